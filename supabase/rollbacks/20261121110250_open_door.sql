alter role authenticator reset pgrst.db_pre_request;
notify pgrst, 'reload config';
drop schema door cascade;
