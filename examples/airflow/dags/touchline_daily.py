"""A touchline job every night, for the day that has just ended.

Everything that differs from one installation to the next is a variable of the environment, so that the
same file serves a laptop, a test and production.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pendulum
from airflow.sdk import DAG, CronDataIntervalTimetable, task

from touchline_operator import TouchlineOperator

#: The day boundary: that of ``job.timezone`` in the configuration.
TIMEZONE = os.environ.get("TOUCHLINE_TIMEZONE", "UTC")

with DAG(
    dag_id="touchline_daily",
    description="Attribution, return on spend, segments and experiments of yesterday",
    # A plain "@daily" has no data interval in Airflow 3: both its ends are the moment of the run.
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone=TIMEZONE),
    start_date=pendulum.datetime(2026, 4, 1, tz=TIMEZONE),
    catchup=False,
    # Runs of one output exclude each other: a second one would end with 75 and be retried.
    max_active_runs=1,
    tags=["touchline"],
) as dag:
    run = TouchlineOperator(
        task_id="run",
        binary=os.environ.get("TOUCHLINE_BIN", "touchline"),
        config=os.environ.get("TOUCHLINE_CONFIG", "/srv/touchline/touchline.toml"),
        # The interval is said, never found out from a clock: a rerun of last month's task is a rerun of
        # last month's window.
        window_from="{{ data_interval_start.isoformat() }}",
        window_to="{{ data_interval_end.isoformat() }}",
        retries=3,
        retry_delay=timedelta(minutes=5),
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(hours=1),
        execution_timeout=timedelta(hours=2),
    )

    @task
    def announce(summary: dict) -> str:
        """Stands for whatever reads the result: a load, a mail, the refresh of a dashboard."""
        rows = sum(summary["rows"].values())
        return f"{summary['run_id']}: {len(summary['rows'])} tables, {rows} rows in {summary['directory']}"

    announce(run.output)
