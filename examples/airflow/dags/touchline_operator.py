"""Runs ``touchline run`` as an Airflow task.

The exit code decides what Airflow does:

===================  ==========================================================================
0                    success; the summary becomes the task's XCom
74, 75, 130, 143     the task fails and is retried: disk, a held output, an input that was
                     being written, somebody stopped the process
99                   nothing to read: the task is skipped
everything else      the task fails and is not retried: usage, data, configuration, a bug
===================  ==========================================================================

When the task times out or is stopped in Airflow, the process is asked to stop (SIGTERM), which takes
it a few seconds and leaves nothing behind, and is killed only if it doesn't.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

#: What another attempt may mend.
RETRIED = {74, 75, 130, 143}
#: No input rows, with ``--on-empty skip``.
EMPTY = 99
POLL_SECONDS = 0.1


class TouchlineOperator(BaseOperator):
    """Runs a touchline job over one window.

    :param config: configuration file, ``touchline.toml``.
    :param window_from: first instant of the window, RFC 3339 or a local date. Templated.
    :param window_to: first instant after it. Templated.
    :param options: more options of ``touchline run``, such as ``["--memory", "8GiB"]``. Templated.
    :param binary: the program.
    :param env: variables beside those of the worker. Templated.
    :param stop_seconds: how long a process that was asked to stop may take; touchline promises five.
    """

    template_fields: Sequence[str] = ("config", "window_from", "window_to", "options", "env")
    ui_color = "#d8e8f0"

    def __init__(
        self,
        *,
        config: str,
        window_from: str | None = None,
        window_to: str | None = None,
        options: Sequence[str] = (),
        binary: str = "touchline",
        env: Mapping[str, str] | None = None,
        stop_seconds: float = 30,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.window_from = window_from
        self.window_to = window_to
        self.options = list(options)
        self.binary = binary
        self.env = dict(env or {})
        self.stop_seconds = stop_seconds
        self._process: subprocess.Popen[str] | None = None

    def command(self) -> list[str]:
        """The command line."""
        command = [self.binary, "run", "--config", self.config, "--output", "json"]
        command += ["--on-empty", "skip", "--progress", "never"]
        if self.window_from:
            command += ["--from", self.window_from]
        if self.window_to:
            command += ["--to", self.window_to]
        return command + self.options

    def execute(self, context: Any) -> dict[str, Any] | None:
        """Runs the job; returns its summary."""
        command = self.command()
        self.log.info("Running %s", command)
        # A group of its own: a signal reaches whatever the program starts, and nothing of Airflow's.
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            reader = threading.Thread(target=self._log_lines, args=(self._process.stderr,), daemon=True)
            reader.start()
            # The summary is a line; should there ever be more, the last one is it.
            printed = self._process.stdout.read().splitlines()
            while (code := self._process.poll()) is None:
                time.sleep(POLL_SECONDS)
            reader.join()
        finally:
            # A timeout arrives here as an exception; so does whatever else ends the task early.
            self.on_kill()
        return self._outcome(code if code >= 0 else 128 - code, printed)

    def _outcome(self, code: int, printed: list[str]) -> dict[str, Any] | None:
        if code == 0:
            return json.loads(printed[-1]) if printed else None
        if code == EMPTY:
            raise AirflowSkipException("touchline found nothing to read in the window")
        message = f"touchline ended with exit code {code}; its messages stand above"
        if code in RETRIED:
            raise AirflowException(message)
        raise AirflowFailException(message)

    def _log_lines(self, lines: IO[str]) -> None:
        for line in lines:
            self.log.info("%s", line.rstrip("\n"))

    def on_kill(self) -> None:
        """Asks the process to stop and waits until it has."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        self.log.warning("Stopping touchline (process group %d) with SIGTERM", process.pid)
        self._signal(process, signal.SIGTERM)
        code = self._ended(process, self.stop_seconds)
        if code is None:
            self.log.error("touchline did not stop within %s s: killing it", self.stop_seconds)
            self._signal(process, signal.SIGKILL)
            code = self._ended(process, self.stop_seconds)
        if code is not None:
            self.log.warning("touchline has stopped with exit code %d", code if code >= 0 else 128 - code)

    @staticmethod
    def _ended(process: subprocess.Popen[str], seconds: float) -> int | None:
        """The exit code, once the process has ended within so many seconds.

        Not by ``wait``: Airflow calls ``on_kill`` from a signal handler too, and there it would wait for a lock that
        the interrupted ``execute`` may hold.
        """
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return process.poll()

    @staticmethod
    def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass  # It was faster.
