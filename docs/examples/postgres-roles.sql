-- The two roles of a ledger in PostgreSQL, and its database; once, as a superuser:
--   psql -f postgres-roles.sql
-- Then set passwords (\password ordo_owner, \password ordo), or let pg_hba.conf know them by "peer" or "cert".
-- ordo_owner owns the schema: ordoctl migrate up and ordoctl db copy use it. It also gives ordo its rights.
CREATE ROLE ordo_owner LOGIN;
-- ordo is the daemon's: it cannot change the schema, nor empty a table, nor alter a record of the audit.
CREATE ROLE ordo LOGIN;
CREATE DATABASE ordo OWNER ordo_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE ordo FROM PUBLIC;
GRANT CONNECT ON DATABASE ordo TO ordo;
\connect ordo
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO ordo_owner;
