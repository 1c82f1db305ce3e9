drop function private.text_outcome(text), private.needs_reading(text), private.certain_word(text[], text[]), private.doubtful_word(text, text[]), private.is_misspelt(text, text[]), private.words_core(text, text[]);
drop table public.text_phrases;
drop function private.name_phrase(), private.plain_text(text), private.without_quotes(text), private.latin_letters(text);
