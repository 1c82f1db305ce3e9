-- What a text says of being texted: words as data, and one function that reads them. Three outcomes, for doubt is no certainty:
-- opt_out acts at once, hold asks a person, none is a reply like any other. Way back: supabase/rollbacks/ of the same name.
set lock_timeout = '4s';

create table public.text_phrases (
  phrase text not null check (btrim(phrase) <> ''),
  meaning text not null check (meaning in ('out', 'in', 'help', 'hold', 'harmless', 'filler', 'courtesy')),
  matches text not null check (matches in ('whole', 'clause', 'inside', 'near')),
  language text not null default 'en' check (language in ('en', 'es', 'pt', 'fr', 'ru')),
  is_vendors boolean not null default false,
  holds boolean not null default false,
  -- By trigger: the phrase as private.plain_text leaves it, and the word to look it up by.
  normal text not null, first_word text not null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (phrase, meaning)
);
comment on table public.text_phrases is 'Words that opt out, in, or ask for help. Nobody edits them at the screen: the law sets the least, a migration adds.';
comment on column public.text_phrases.meaning is 'filler may surround a word that opts out; courtesy any word; harmless hides a word that would hold (stop by).';
comment on column public.text_phrases.matches is 'whole: the whole text. clause: a clause of it as well. inside: anywhere as words. near: its last word up to five words after the rest, in one clause.';
comment on column public.text_phrases.holds is 'Found inside a sentence it is doubt.';
comment on column public.text_phrases.is_vendors is 'The vendor answers exactly this word itself, so we do not.';

-- Greek and Cyrillic letters that look like ours, as ours.
create function private.latin_letters(p_text text) returns text language plpgsql immutable parallel safe set search_path = '' as $$
declare v text := p_text;
begin
  if v ~ '[\U0001F130-\U0001F1FF]' then -- squares, black squares, flags
    select translate(v, string_agg(chr(first + n), '' order by first, n), repeat('abcdefghijklmnopqrstuvwxyz', 4)) into v
      from unnest(array[127280, 127312, 127344, 127462]) first, generate_series(0, 25) n;
  end if;
  v := lower(normalize(v, nfkd));
  v := regexp_replace(v, '[\u0300-\u036f\u20d0-\u20ff\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]', '', 'g');
  return translate(v, 'авсеіјкмнопрѕтухԁԛѵαβεηικμνοπρςστυχꓢꓔꓳꓑ', 'abceijkmhonpstyxdqvabehikmvonpsstuxstop');
end $$;

-- What others wrote: tapbacks with the text they answer, quoted mail, signatures, and our own footer where it stands as a clause
-- (inside a sentence it is what the person says: "I did reply STOP to opt out").
create function private.without_quotes(p_text text) returns text language plpgsql immutable parallel safe set search_path = '' as $$
declare
  v text := p_text;
  c_word constant text := '(stop|end|quit|cancel|unsubscribe|no)';
  c_goal constant text := '(opt[ -]?out|unsubscribe|end|cancel|quit|stop|be removed)( (of|from)? ?(all|these|future|our|more|further|text|texts|messages|msgs|sms|alerts|list| )*)?';
begin
  v := regexp_replace(v, '^\W*((dis)?liked|loved|laughed at|emphasi[sz]ed|questioned|replied to|reacted \S+ to|removed an? [^"“]{1,30} from'
    || '|le gust[oó]|le encant[oó]|gostou de|a aimé|(?<![[:alnum:]])to)\s+[\u200a\s]*(“.*”|".*"|«.*»|‘.*’|["“].*(…|\.\.\.)\s*$)', '', 'i');
  v := regexp_replace(v, '^[ \t]*>.*$', '', 'gn');
  v := regexp_replace(v, '(^|\n)On [^\n]{5,120} wrote:\s*\n.*$', '', 'i');
  v := regexp_replace(v, '(^|[\s.])(sent from my [^\n.]{2,30}|get outlook for \w+)\.?\s*$', '', 'i');
  if v ~* '\m(reply|text|txt|send|respond)\M' then
    v := regexp_replace(v, '(^|[\n.!?;:,("“”‘-])\s*(to ' || c_goal || '\s*,?\s*)?(please )?(reply|text|txt|send|respond)( with)? ["''“‘]?' || c_word
      || '["''”’]?(\s*(=|to|2|for)\s*' || c_goal || ')\s*(?=$|[\n.!?;:,)"“”’])', '\1', 'gi');
    v := regexp_replace(v, '(^|[\n.!?;:,("“”‘-])\s*to ' || c_goal || '\s*,?\s*(please )?(reply|text|txt|send|respond)( with)? ["''“‘]?' || c_word
      || '["''”’]?\s*(?=$|[\n.!?;:,)"“”’])', '\1', 'gi');
    v := regexp_replace(v, '(reply|text) help for (help|info)[,.;]?\s*(or )?((reply|text) )?stop (to|2) \w+', ' ', 'gi');
  end if;
  return v;
end $$;

create function private.plain_text(p_body text) returns text language plpgsql immutable parallel safe set search_path = '' as $$
declare v text := case when length(p_body) > 20000 then left(p_body, 10000) || E'\n' || right(p_body, 10000) else p_body end;
begin
  v := private.without_quotes(v);
  if v ~ '[^\x01-\x7e]' then
    v := private.latin_letters(regexp_replace(regexp_replace(v, '[🛑🚫]', ' stopsign ', 'g'), '🖕', ' rudesign ', 'g'));
  else
    v := lower(v);
  end if;
  v := regexp_replace(v, '[''’‘ʼ`´]', '', 'g');
  v := regexp_replace(v, '(?<=\m[a-z])[ .*_\n-]+(?=[a-z]\M)', '', 'g'); -- s t o p
  v := regexp_replace(v, '[.!?;:,()"“”«»…¿¡|\n\r–—]+|\s-+\s', '|', 'g');
  v := regexp_replace(v, '[^a-z0-9|]+', ' ', 'g');
  return btrim(regexp_replace(v, ' ?\|[ |]*', '|', 'g'), ' |');
end $$;
comment on function private.plain_text is 'Small Latin letters and digits, words a space apart, clauses a bar apart: "Who is this? STOP!" is who is this|stop.';

create function private.name_phrase() returns trigger language plpgsql set search_path = '' as $$
begin
  new.normal := replace(private.plain_text(new.phrase), '|', ' ');
  new.first_word := split_part(new.normal, ' ', 1);
  return new;
end $$;
create trigger "10_name_phrase" before insert or update on public.text_phrases for each row execute function private.name_phrase();
create trigger set_updated_at before update on public.text_phrases for each row execute function private.set_updated_at();

-- attackacrack.md §5.7 and campaign-engines.md §7; 47 CFR 64.1200(a)(10) names stop, quit, end, revoke, opt out, cancel, unsubscribe.
insert into public.text_phrases (phrase, meaning, matches, is_vendors)
  select w, 'out', 'whole', w = any ('{STOP,STOPALL,UNSUBSCRIBE,CANCEL,END,QUIT}'::text[])
  from unnest('{STOP,STOPALL,UNSUBSCRIBE,CANCEL,END,QUIT,REMOVE,REVOKE,OPTOUT,NO MORE}'::text[]) w
  union all select w, 'in', 'whole', w in ('START', 'UNSTOP') from unnest('{START,UNSTOP,SUBSCRIBE,RESUBSCRIBE,OPT IN,OPTIN}'::text[]) w
  union all select w, 'help', 'whole', false from unnest('{HELP,INFO}'::text[]) w;
insert into public.text_phrases (phrase, meaning, matches)
  select p, 'out', 'clause' from unnest('{STOP ALL,OPT OUT,REMOVE ME,REMOVE US,DELETE ME,LEAVE ME ALONE,leave us alone,stop this,stop it,unsubscribe me,unsubscribe us,opt me out,lose my number,lose this number,delete my number,remove my number,remove this number,delete this number,no more texts,no more messages,no more text messages,I revoke my consent,I opt out,stop text messages,stop the texts,stop these texts,stop the messages,stop these messages,stop all messages,stop all texts,stop all communication,cease and desist,I do not consent}'::text[]) p
  union select concat_ws(' ', v, g, w), 'out', 'clause' from unnest('{stop,quit}'::text[]) v,
    unnest('{texting,messaging,contacting,bothering,harassing,spamming}'::text[]) g, unnest(array[null, 'me', 'us', 'this number', 'my phone', 'my number']) w
    where w is not null or g in ('texting', 'messaging')
  union select concat_ws(' ', 'stop sending', w, m), 'out', 'clause' from unnest(array[null, 'me', 'us']) w,
    unnest('{texts,messages,these texts,these messages,text messages,stuff,these}'::text[]) m
  union select concat_ws(' ', n, v, w, a), 'out', 'clause' from unnest('{do not,don''t,never,please do not ever}'::text[]) n, unnest('{text,message,contact}'::text[]) v,
    unnest('{me,us,this number,my number,my phone}'::text[]) w, unnest(array[null, 'again', 'anymore', 'any more', 'ever', 'ever again']) a
  union select concat_ws(' ', v, w, f, l), 'out', 'clause' from (values ('take', 'off'), ('take', 'off of'), ('remove', 'from'), ('remove', 'off'), ('delete', 'from'), ('get', 'off')) x (v, f),
    unnest('{me,us,my number,my name,this number}'::text[]) w,
    unnest('{your list,your lists,the list,this list,your text list,your texting list,your mailing list,your contact list,your call list,your database,your system,your contacts}'::text[]) l;
insert into public.text_phrases (phrase, meaning, matches, language)
  select p, 'out', m, l from (values ('ALTO', 'whole', 'es'), ('PARAR', 'whole', 'es'), ('BASTA', 'whole', 'es'), ('NO MAS', 'whole', 'es'), ('CANCELAR', 'whole', 'es'),
    ('SAIR', 'whole', 'pt'), ('PARE', 'whole', 'pt'), ('ARRET', 'whole', 'fr'), ('СТОП', 'whole', 'ru'),
    ('no más mensajes', 'clause', 'es'), ('no más textos', 'clause', 'es'), ('bórreme de su lista', 'clause', 'es'), ('quíteme de su lista', 'clause', 'es')) x (p, m, l)
  union all select 'AYUDA', 'help', 'whole', 'es'
  union select concat_ws(' ', 'no me', v, 'mas', m), 'out', 'clause', 'es' from unnest('{escriba,escriban,escribas,mande,manden,mandes,envie,envien,envies,contacte,contacten,moleste,molesten}'::text[]) v,
    unnest(array[null, 'mensajes', 'textos']) m
  union select concat_ws(' ', v, 'de', w, 'mensajes'), 'out', 'clause', 'es' from unnest('{deje,dejen,deja}'::text[]) v, unnest('{enviarme,mandarme}'::text[]) w;
update public.text_phrases set is_vendors = false where meaning = 'help';

insert into public.text_phrases (phrase, meaning, matches) select w, 'courtesy', 'inside' from unnest('{please,pls,plz,plse,kindly,thanks,thank,you,thx,ty,hi,hello,hey,sir}'::text[]) w;
insert into public.text_phrases (phrase, meaning, matches)
  select w, 'filler', 'inside' from unnest('{it,now,all,text,texts,message,messages,msg,msgs,texting,messaging,immediately,asap,already,right,stopsign}'::text[]) w;
insert into public.text_phrases (phrase, meaning, matches, language)
  select w, 'courtesy', 'inside', l from (values ('por', 'es'), ('favor', 'es'), ('gracias', 'es'), ('hola', 'es'), ('obrigado', 'pt'), ('merci', 'fr')) x (w, l);

-- Doubt. The words of an out inside a sentence, how people misspell them, and anger.
insert into public.text_phrases (phrase, meaning, matches)
  select p, 'hold', 'inside' from unnest('{unsubscribed,unsubscribing,revoked,opting out,opted out,opts out,take me off,take us off,take my number,take my name,take this number,remove my,be removed,get removed,removed from,off your list,off the list,off this list,off of your,delete my,leave me be,wrong number,wrong person,wrong phone,wrong guy,wrong lady,not interested,no interest,no longer interested,uninterested,not at all interested,do not contact,don''t contact,do not text,don''t text,do not message,don''t message,never text,never contact,never message,do not call,don''t call,never call,do not solicit,no solicitation,unsolicited,soliciting,solicitation,want these texts,want your texts,want texts,want any more,want anymore,want any texts,want these messages,want any messages,want more texts,don''t want to receive,do not want to receive,not wish to,don''t wish to,not want to be contacted,don''t want to be contacted,don''t want to hear,do not want to hear,getting these,getting texts,getting your texts,receiving these,receiving texts,receiving messages,sick of,tired of these,tired of your,tired of getting,harass,harassing,harassment,harassed,spam,spamming,spammer,spammers,junk text,junk texts,scammer,scammers,sue you,will sue,call my lawyer,contact my lawyer,from my lawyer,from my attorney,attorney general,fcc,ftc,tcpa,cease,desist,my consent,not consent,didn''t consent,never signed up,didn''t sign up,did not sign up,didn''t ask for these,block you,blocking you,blocked you,block this number,blocking this number,block your number,blocking your number,you are blocked,you''re blocked,blocked,report you,reporting you,reported you,reporting this,reported as,reported this,fuck,fucking,f off,fuk,piss off,screw you,go away,get lost,buzz off,bug off,shut up,bother me,bothering me,bothering us,bugging me,knock it off,enough already,cut it out,end this,end these,end all,end texts,end text,end messages,end the texts,stopsign,rudesign,no more calls,no texts,no texting,to be taken off,been taken off,get taken off,stahp,f you,f u,eff off,call the cops,call the police,discontinue,reach out again,send me anything,send anything,no longer wish,no longer want,no longer need,done with these,done with your,permission to text,these texts,these messages,unwanted,pestering,annoying,get me off,get us off,get my number,erase my,forget my number,take me out of,take us out of,don''t write,do not write,no further,never subscribed,didn''t subscribe,did not subscribe,turn these off,turn this off,muting you,refrain,halt,withdraw my,withdraw consent,don''t authorize,do not authorize,not authorized,not give permission,no permission,invasion of privacy,by that name,no one named,nobody named,don''t know any,please no more,lose my contact,lose my info,lose my name,lose my details,lose our number,forget my name,forget we exist,forget i exist}'::text[]) p
  union select p, 'hold', 'inside' from unnest('{stopp,stp,stpo,sotp,tsop,stopit,stopnow,stopplease,stoptexting,stoptextingme,stpp,sttop,sstop,st0p,5top,stap,dtop,srop,syop,stpop,sotop,unsuscribe,unsubcribe,unsubscibe,unsubscrib,unsubsribe,unsubscrbe,unsubscirbe,usubscribe,unsbuscribe,unsubscride,unscribe,unsub,unsubscription,desubscribe,cancle,cancal,cansel,qiut,remov,remve,optut}'::text[]) p
  union select p, 'hold', 'whole' from unnest('{block,delete it,lose it,lose us,stoop,stops,atop,stol,stob,stip,sto,cancell,canel,qut,quitt,endd,opt ot,opt our,opt put,op out,otp out,enough,done,no sto}'::text[]) p;
insert into public.text_phrases (phrase, meaning, matches, language)
  select p, 'hold', 'inside', l from (values ('quitar', 'es'), ('remover', 'es'), ('desuscribir', 'es'), ('de baja', 'es'), ('ya no me', 'es'), ('no me escriba', 'es'), ('no me escriban', 'es'), ('no me mande', 'es'),
    ('no me manden', 'es'), ('no me envie', 'es'), ('no me envien', 'es'), ('no me llame', 'es'), ('no me llamen', 'es'), ('no me moleste', 'es'), ('no me molesten', 'es'), ('deje de', 'es'), ('dejen de', 'es'),
    ('deja de', 'es'), ('no quiero', 'es'), ('no me interesa', 'es'), ('numero equivocado', 'es'), ('borre mi', 'es'), ('borreme', 'es'), ('quiteme', 'es'), ('pare de', 'pt'), ('parem', 'pt'), ('nao quero', 'pt'),
    ('nao me', 'pt'), ('numero errado', 'pt'), ('me remova', 'pt'), ('me tire', 'pt'), ('sem interesse', 'pt'), ('arretez', 'fr'), ('desabonner', 'fr'), ('pas interesse', 'fr')) x (p, l);
insert into public.text_phrases (phrase, meaning, matches, language)
  select concat_ws(' ', n, w), 'hold', 'near', 'en' from unnest('{don''t,do not,never,no more,no longer,cease}'::text[]) n,
    unnest('{text,texts,texting,texted,message,messages,messaging,msg,msgs,sms,contact,contacting,contacted,reach out}'::text[]) w
  union select concat_ws(' ', v, w), 'hold', 'near', 'en' from unnest('{take,taken,remove,removed,delete,deleted,erase,drop,scrub}'::text[]) v,
    unnest('{list,lists,database,records}'::text[]) w
  union select concat_ws(' ', 'no', w), 'hold', 'near', 'es' from unnest('{mensajes,textos}'::text[]) w
  union select w, 'hold', 'inside', 'es' from unnest('{borrame,quitame,eliminame,elimineme,elimine}'::text[]) w
  on conflict (phrase, meaning) do update set matches = excluded.matches;
-- Of the single words these hold wherever they stand; end, remove and alto only as a clause ("when does the sale end?").
update public.text_phrases set holds = true where (meaning in ('hold', 'out') and matches <> 'whole')
  or phrase = any ('{STOP,STOPALL,UNSUBSCRIBE,CANCEL,QUIT,REVOKE,OPTOUT,PARAR,BASTA,CANCELAR,СТОП}'::text[]);
-- What a customer of a builder says with these words.
insert into public.text_phrases (phrase, meaning, matches)
  select p, 'harmless', 'inside' from unnest('{stop by,stop on by,you stop in,i stop in,you stop over,stop the leak,stop the leaks,stop the leaking,stop the water,stop water,stop leaks,stop the flooding,stop the seepage,stop the crack,stop the cracks,stop valve,stop cock,can stop in,pump quit,bus stop,stop sign,stop light,quit working,quit smoking,quit my job,quit raining,stop raining,stop leaking,stop cracking,stop settling}'::text[]) p;
create index text_phrases_normal on public.text_phrases (normal);
create index text_phrases_first_word on public.text_phrases (first_word);
create index text_phrases_meaning on public.text_phrases (meaning) where meaning in ('courtesy', 'filler', 'harmless', 'in', 'help');

create function private.words_core(p_clause text, p_around text[]) returns text language plpgsql immutable parallel safe set search_path = '' as $$
declare
  v text[] := string_to_array(p_clause, ' ');
  i int := 1;
  j int := cardinality(v);
begin
  while i <= j and v[i] = any (p_around) loop i := i + 1; end loop;
  while j >= i and v[j] = any (p_around) loop j := j - 1; end loop;
  return array_to_string(v[i:j], ' ');
end $$;
comment on function private.words_core is 'The clause without the words that may surround a keyword.';

-- Most texts hold no phrase whole, in whatever order its words stand: those say nothing of being texted. What private.is_misspelt and
-- stretched letters (stoooop) could make of a text is let through here.
create function private.needs_reading(p_plain text) returns boolean language plpgsql stable set search_path = '' as $$
declare v_words text[] := string_to_array(replace(p_plain, '|', ' '), ' ');
begin
  return length(p_plain) <= 14
    or p_plain ~ '\m(.?top|s.?op|st.?p|sto.?|.stop|s.top|st.op|sto.p|stop.|tsop|sotp|stpo|un[a-z]{5,11})\M' or p_plain ~ '([a-z])\1\1'
    or exists (select 1 from public.text_phrases where meaning in ('out', 'in', 'help', 'hold') and first_word = any (v_words)
      and string_to_array(normal, ' ') <@ v_words);
end $$;

create function private.text_outcome(p_body text, out outcome text, out word text) language plpgsql stable set search_path = '' as $$
declare
  v_plain text := private.plain_text(coalesce(p_body, ''));
  v_all text := replace(v_plain, '|', ' ');
  v_polite text[] := array(select normal from public.text_phrases where meaning = 'courtesy');
  v_around text[] := v_polite || array(select normal from public.text_phrases where meaning = 'filler');
  v_clauses text[];
begin
  outcome := 'none';
  if v_plain = '' or not private.needs_reading(v_plain) then return; end if;
  if length(v_all) < 300 then v_all := regexp_replace(v_all, '\m(\w+)( \1\M)+', '\1', 'g'); end if; -- stop stop stop
  v_clauses := string_to_array(v_plain, '|');
  if cardinality(v_clauses) > 200 then v_clauses := v_clauses[:100] || v_clauses[cardinality(v_clauses) - 99:]; end if;
  v_clauses := array(select private.words_core(c, x.around) from unnest(v_clauses) c, (values (v_polite), (v_around)) x (around));
  word := private.certain_word(array[private.words_core(v_all, v_around), private.words_core(v_all, v_polite)], v_clauses);
  if word is not null then outcome := 'opt_out'; return; end if;
  word := private.doubtful_word(v_plain, v_clauses);
  if word is not null then outcome := 'hold'; return; end if;
  v_all := private.words_core(v_all, v_polite);
  select case meaning when 'in' then 'opt_in' else 'help' end, phrase into outcome, word from public.text_phrases
    where meaning in ('in', 'help') and normal = v_all;
  outcome := coalesce(outcome, 'none');
end $$;
comment on function private.text_outcome is 'opt_out (certain), hold (a person must look), opt_in, help or none, and the phrase it went by.';

-- PL/pgSQL, for it is asked of every text: as SQL it was planned each time, and took most of what reading a text takes.
create function private.certain_word(p_whole text[], p_clauses text[]) returns text language plpgsql stable set search_path = '' as $$
begin
  return (select phrase from public.text_phrases where meaning = 'out' and normal = any (p_whole || p_clauses)
    and (matches = 'clause' or normal = any (p_whole))
    order by matches = 'whole' desc, phrase limit 1);
end $$;

-- One letter off "stop" as the whole text or clause, a word broken in two, or something that was to be "unsubscribe".
create function private.is_misspelt(p_plain text, p_clauses text[]) returns boolean language plpgsql immutable parallel safe set search_path = '' as $$
begin
  return array_to_string(p_clauses, E'\n') ~ '(?n)^(.?top|s.?op|st.?p|sto.?|.stop|s.top|st.op|sto.p|stop.|tsop|sotp|stpo)$'
    or (length(p_plain) <= 14 and replace(p_plain, ' ', '') ~ '^(stop|unsubscribe|cancel|remove|quit|optout)$')
    or (p_plain ~ '\mun[a-z]{5,11}\M' and exists (select 1 from regexp_split_to_table(p_plain, '[^a-z]+') w
      where w ~ '^un[a-z]{5,11}$' and w ~ 's' and w ~ 'b' and w ~ 'r' and w ~ '(e|ed|b)$'));
end $$;

create function private.doubtful_word(p_plain text, p_clauses text[]) returns text language plpgsql stable set search_path = '' as $$
declare
  -- Clauses stay apart: "Stop. By the way …" is no "stop by".
  v_text text := ' ' || replace(p_plain, '|', ' | ') || ' ';
  v_bare text;
  v_harmless text;
begin
  if private.is_misspelt(p_plain, p_clauses) then return 'misspelt'; end if;
  if v_text ~ '([a-z])\1\1' then v_text := v_text || '| ' || regexp_replace(v_text, '([a-z])\1{2,}', '\1', 'g'); end if; -- stoooop
  v_bare := v_text;
  for v_harmless in select normal from public.text_phrases where meaning = 'harmless' and strpos(v_text, ' ' || normal || ' ') > 0 loop
    v_bare := replace(v_bare, ' ' || v_harmless || ' ', ' ');
  end loop;
  return (select phrase from (
      select phrase, normal from public.text_phrases where holds
        and first_word = any (array(select distinct w from unnest(string_to_array(v_text, ' ')) w where w not in ('', '|')))
        and case when strpos(normal, ' ') = 0 then strpos(v_bare, ' ' || normal || ' ') > 0
          when strpos(v_text, ' ' || split_part(normal, ' ', -1) || ' ') = 0 then false
          when matches = 'near' then v_text ~ (' ' || regexp_replace(normal, ' (\S+)$', '( [a-z0-9]+){0,5} \1 '))
          else strpos(v_text, ' ' || normal || ' ') > 0 end
      union all
      select phrase, normal from public.text_phrases where meaning in ('hold', 'out') and matches = 'whole' and normal = any (p_clauses)) x
    order by length(normal) desc, phrase limit 1);
end $$;

alter table public.text_phrases enable row level security;
select private.limit_keys('public.text_phrases');
create policy "members read" on public.text_phrases for select to authenticated using (exists (select 1 from private.my_locations()));
grant select on public.text_phrases to authenticated, service_role;
