"""Who may touch which table: worked out from the row-security policies after each migration, so no table is forgotten."""

from typing import Any

from django.conf import settings
from django.db import connection
from psycopg.sql import SQL, Identifier


def grant_after_migrate(sender: Any, **kwargs: Any) -> None:
    if settings.DB_ROLE != "owner":
        return
    names = settings.DB_ROLE_NAMES
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('ffp_grant_all(text, text, text, text)') IS NOT NULL")
        if cursor.fetchone()[0]:
            cursor.execute(
                "SELECT ffp_grant_all(%s, %s, %s, %s)",
                [names["web"], names["worker"], names["snapshot"], names["intake"]],
            )
            # Imports are the worker's.
            cursor.execute(SQL("REVOKE EXECUTE ON FUNCTION ffp_hold_references(), ffp_check_references() FROM {}").format(Identifier(names["web"])))
