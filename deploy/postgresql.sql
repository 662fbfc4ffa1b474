-- 数据库用户与库: run once by a PostgreSQL administrator, before the first `./yrd migrate`.
--
--   psql -f deploy/postgresql.sql
--   then set both passwords:  \password yrd_owner   \password yrd_gateway
--   ./yrd migrate --data DIR --owner yrd_owner --password-file FILE --grant-to yrd_gateway
--
-- yrd_owner owns the tables and runs migrations, and nothing else. yrd_gateway serves: it may read
-- and add to the journal, never change it; `./yrd migrate --grant-to` gives it exactly that
-- (gateway/store/grants.py). In production the gateway refuses to serve with more.

CREATE ROLE yrd_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;

CREATE ROLE yrd_gateway LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;

-- Byte order: account codes are compared byte by byte, and an upgrade of the C library cannot
-- silently change the order of an index.
CREATE DATABASE yrd OWNER yrd_owner TEMPLATE template0 ENCODING 'UTF8'
  LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C';

REVOKE ALL ON DATABASE yrd FROM PUBLIC;

GRANT CONNECT ON DATABASE yrd TO yrd_gateway;
