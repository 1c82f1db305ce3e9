drop trigger append_only on public.send_holds;
drop trigger append_only_delete on public.send_holds;
drop function public.resolve_hold(uuid, text, text), private.take_keyword(uuid, boolean, timestamptz),
  private.open_hold(public.messages, text, boolean, timestamptz), private.answer_help(public.messages, text, boolean, timestamptz),
  private.answer_keyword(public.messages, text, text, boolean, timestamptz), private.keyword_answer(public.messages, text),
  private.vendor_answers(public.messages, text), private.take_opt(public.messages, text, text, boolean, timestamptz), private.is_out(text),
  private.end_foreign_opt_out(public.messages, text), private.note_repeated(text), private.replay_keywords(text), private.said_of_texting(text),
  private.campaign_before(private.keyword_texts), private.is_out_otherwise(private.keyword_texts), private.keep_opt_out(private.keyword_texts, uuid[], private.keyword_texts);
delete from public.settings where key = 'openphone_confirms_stop';
delete from public.setting_kinds where key = 'openphone_confirms_stop';
