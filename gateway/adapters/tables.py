"""The tables, as SQLAlchemy Core describes them. `migrations/` makes them; a test holds the two together.

Records and their leaves are never changed. What opens a commitment (salts, keys) lies in tables of its own, so that
erasure can delete it and every record still verifies.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"},
)

records = Table(
    "records",
    metadata,
    Column("writer", String(16), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    # The rest is derived from `body` and can be rebuilt from it.
    Column("kind", String(16), nullable=False),
    Column("decision_id", String(26), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("tenant", String(63), nullable=False),
    Column("app", String(63), nullable=False),
    Column("label", String(32), nullable=False),
    Column("route", String(32), nullable=False),
    Column("destination", String(63), nullable=False),
    Column("reason", String(64), nullable=False),
    Index(None, "decision_id", "kind"),
    Index(None, "at"),
)
"""One row a record. Times in microseconds since the epoch, UTC; an empty string where a kind has no such column."""

record_salts = Table(
    "record_salts",
    metadata,
    Column("writer", String(16), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
)
"""The salt of each record's commitments. Erasing one person deletes the salts of their records: the records stay, and
nobody can show any more what they commit to."""

writer_marks = Table(
    "writer_marks",
    metadata,
    Column("writer", String(16), primary_key=True),
    Column("settled", BigInteger, nullable=False),
)
"""Up to where nothing of a writer is open: each of its intents below this sequence number has its outcome. Derived from
the records; can be rebuilt."""

tree_entries = Table(
    "tree_entries",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("writer", String(16), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Index(None, "writer", "sequence", unique=True),
)
"""Which record is which leaf of the tree. Retention drops records; these rows stay, so the tree still verifies."""

tree_nodes = Table(
    "tree_nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)
"""The roots of full tiles: row (L, N) is the hash over `256 ** L` leaves, from `N * 256 ** L` on."""

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", String(1000), nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Signed sizes and roots of the tree: the newest, and the last of each hour before."""

cosigned_checkpoints = Table(
    "cosigned_checkpoints",
    metadata,
    Column("witness", String(128), primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", String(2000), nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Checkpoints that a witness outside has cosigned: of each witness the newest, and the last of each hour before."""

search_terms = Table(
    "search_terms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("term", String(160), nullable=False),
    Index(None, "term", unique=True),
)
"""What records can be found by, such as `class:phi`, numbered."""

search_bitmaps = Table(
    "search_bitmaps",
    metadata,
    Column("term", Integer, primary_key=True, autoincrement=False),
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("bits", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Which records of a block of the tree have a term, as `gateway.domain.bitmaps` stores a set; no row where none has.
Derived from the records, as the next three are; can be rebuilt."""

search_blocks = Table(
    "search_blocks",
    metadata,
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)
"""Between which times the records of a block were made."""

search_times = Table(
    "search_times",
    metadata,
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("times", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""When each record of a part of a block was made, from the offset `first` on. Parts are small: adding to the last one
costs little."""

search_progress = Table(
    "search_progress",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("forgotten", BigInteger, nullable=False),
)
"""One row: up to which position of the tree the index is complete, and how often something was taken out of it."""

legal_holds = Table(
    "legal_holds",
    metadata,
    Column("tenant", String(63), primary_key=True),
    Column("at", BigInteger, nullable=False),
)
"""Tenants of which nothing is dropped or erased, `*` for all of them."""

commitment_keys = Table(
    "commitment_keys",
    metadata,
    Column("tenant", String(63), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("key", LargeBinary, nullable=False),
)
"""The random keys of commitments, one a tenant and day (`2026-11-24`); with an empty day, that of its pseudonyms.
Retention deletes the days that have run out; erasing a tenant deletes all of its keys, the pseudonyms' with them."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("name", String(63), nullable=False),
    Column("tenant", String(63), nullable=False),
    Column("app", String(63), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("revoked", BigInteger, nullable=False),
)
"""The API keys by the SHA-256 of the whole key. `revoked` is 0 for a key that is not."""

exception_uses = Table(
    "exception_uses",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("used", BigInteger, nullable=False),
)
"""How many requests were decided by each exception from rules, by its id. A count only rises."""

policy_revisions = Table(
    "policy_revisions",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Index(None, "revision", unique=True),
)
"""The number of each policy bundle, by its digest: 1 for the first that came into force with this database. A bundle
that comes back has its old number."""

policy_files = Table(
    "policy_files",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
"""The files of each policy bundle that came into force, by its digest, which they have together; of an index its own
digest alone."""

console_accounts = Table(
    "console_accounts",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("secret", String(200), nullable=False),
    Column("subject", String(400), nullable=False),
    Column("role", String(16), nullable=False),
    Column("tenant", String(63), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("invite", LargeBinary, nullable=False),
    Column("invite_until", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("locked_until", BigInteger, nullable=False),
    Column("disabled", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Index(None, "name", unique=True),
)
"""Who may use the console. `secret` is an Argon2 hash, `invite` the SHA-256 of a one-time token, `subject` what an
identity provider calls somebody; each empty where there is none. Only this table ties the ids in records to names."""

console_views = Table(
    "console_views",
    metadata,
    Column("account", String(16), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("link", String(2000), nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Searches that somebody saved, as the query part of a link. An empty one was given up."""

review_items = Table(
    "review_items",
    metadata,
    Column("decision_id", String(26), primary_key=True),
    Column("sampled", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("assignee", String(16), nullable=False),
    Column("signer", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Index(None, "state", "at"),
)
"""Decisions under review: `sampled` is the start of the week that drew it, 0 for one that was asked for. What was done
stands in the ledger; this is where it got to."""

review_notes = Table(
    "review_notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("decision_id", String(26), nullable=False),
    Column("account", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("entity", String(64), nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("words", String(2000), nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Index(None, "decision_id"),
    Index(None, "verdict", "at"),
)
"""What reviewers said: comments, and judgements of one entity each. `salt` opens the record's commitment to `words`."""
