"""Migrations: what to move, in which order, and the runner that has the hosts move it.

The use cases, each on a narrow world of its own: ``migration_plan`` (look and plan), ``start_run``
(confirm, check by ``precheck`` and ``dry_runs``, record, ``perform``), ``resume_run``, ``give_up``,
``run_status``. What they give is a view: a plan (PlannedMigrations), a run (``run_view``).
"""

MIGRATE = "migrate"
"""What the runs of migrations are called in the journal."""
