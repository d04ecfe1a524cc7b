"""What the DAGs share: tasks that run the lake's jobs and programs, and what is told when one of them fails.

The lake's code runs in its own environment, never in Airflow's: a job through spark-submit, a program that needs no Spark through
that environment's Python. Of the lake's package only the contracts are imported here.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import BaseOperator, Context, TaskGroup
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from lake.contracts import layer

log = logging.getLogger(__name__)
ROOT = Path(os.environ.get("LAKEHOUSE_HOME") or Path(__file__).resolve().parents[2])
PYTHON = ROOT / ".venv" / "bin" / "python"
TEMPORARY = Path(os.environ.get("AIRFLOW_HOME") or Path.home() / "airflow") / "tmp"

# Where a run's drivers keep what they spill; the id of a scheduled run has characters that no path should have.
SCRATCH = f"{TEMPORARY}/{{{{ run_id | replace(':', '') | replace('+', '') }}}}"
# Two runs share a lake by turns: a job waits so long for its turn before it fails with exit code 7, and is tried again.
TURN_SECONDS = 1800
# What another try would only repeat: arguments, gates, input, configuration, newer code, broken laws. README, exit codes.
HOPELESS = (2, 3, 4, 5, 8, 9)
GATE, INPUT, ENVIRONMENT = 3, 4, 6
# The task that holds what came against what was promised.
CHECK = "extract_check_data"


class Failed(AirflowException):
    """A job or program ended with an exit code that another try may mend.

    Attributes:
        code: the exit code.
    """

    code = 0


class FailedForGood(AirflowFailException):
    """The same where another try would end in the same way."""

    code = 0


def failure(code: int, lines: Iterable[str]) -> Failed | FailedForGood:
    """The error of a process: its own last words, from `error:` on."""
    said = "\n".join(lines).strip()
    # What reads arguments puts the program's name before it.
    *_, spoken = [None, *re.finditer(r"^(?:\S+: )?error: ", said, re.MULTILINE)]
    words = said[spoken.end() :] if spoken else said[-500:]
    # A code that the job did not explain is not the job's: what was killed while it started ends with any number.
    error = (FailedForGood if code in HOPELESS and spoken else Failed)(f"exit code {code}: {' '.join(words.split())}")
    error.code = code
    return error


def given(arguments: Sequence[str]) -> list[str]:
    """Arguments after templating: a line each, and none where a template gave nothing."""
    return [line for argument in arguments for line in argument.splitlines() if line]


class LakeJob(SparkSubmitOperator):
    """spark-submit jobs/<job>.py by the connection spark_default, as part of the DAG run's run of the lake."""

    def __init__(self, *, job: str, arguments: Sequence[str] = (), **kwargs: Any) -> None:
        shared = ["--run-id", "{{ run_id }}", "--wait", str(TURN_SECONDS), *arguments]
        super().__init__(
            application=str(ROOT / "jobs" / f"{job}.py"),
            name=f"lakehouse {job} {{{{ run_id }}}}",
            application_args=shared,
            conf={"spark.local.dir": SCRATCH},
            **kwargs,
        )

    def execute(self, context: Context) -> None:
        self.application_args = given(self.application_args)
        try:
            super().execute(context)
        except AirflowException as error:
            ended = re.search(r"Error code is: (-?\d+)\.", str(error))
            if not ended:
                raise
            raise failure(int(ended[1]), str(error).splitlines()) from None


class LakeProgram(BaseOperator):
    """python -m <module> in the lake's environment, for what needs no Spark."""

    template_fields = ("arguments",)

    def __init__(self, *, module: str, arguments: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.module, self.arguments = module, list(arguments)
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Context) -> None:
        self.run(self.module, *given(self.arguments))

    def run(self, module: str, *arguments: str) -> None:
        """Run a program of the lake, its output in the task's log."""
        self._process = program(module, *arguments)
        lines = deque(maxlen=20)
        for line in self._process.stdout:
            lines.append(line.rstrip())
            self.log.info("%s", lines[-1])
        if code := self._process.wait():
            raise failure(code, lines)

    def on_kill(self) -> None:
        if self._process:
            self._process.kill()


class Summary(LakeProgram):
    """The end of incidents whose task has succeeded; and the run's report and lineage.

    Args:
        begins: the task that begins the run's ledger: before it has ended there is nothing to report.
        day: the argument by which tasks are told the run's day; without a day no promise was checked, and none is kept.
    """

    template_fields = (*LakeProgram.template_fields, "day")

    def __init__(self, *, begins: str, day: str = "", **kwargs: Any) -> None:
        super().__init__(module="lake.report", arguments=["--run-id", "{{ run_id }}", "--in-lake"], **kwargs)
        self.begins, self.day = begins, day

    def execute(self, context: Context) -> None:
        run_id, dag_id = context["run_id"], context["dag"].dag_id
        states = context["ti"].get_task_states(dag_id=dag_id, run_ids=[run_id])[run_id]
        over = [incident(dag_id, name) for name, state in states.items() if state == "success" and (name != CHECK or self.day)]
        self.run("lake.incidents", "close", "--run-id", run_id, *over)
        if states.get(self.begins) in ("success", "failed"):
            try:
                super().execute(context)
                self.run("lake.lineage", "--run-id", run_id)
            except FailedForGood as error:
                # What failed before its run began has left nothing to report.
                if states[self.begins] != "failed" or error.code != INPUT:
                    raise
                self.log.info("%s", error)
        # Its own: of itself it does not know yet that it succeeds.
        self.run("lake.incidents", "close", "--run-id", run_id, incident(dag_id, self.task_id))


def program(module: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a program of the lake; both its outputs are in stdout."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHONPATH"))}
    return subprocess.Popen(
        [str(PYTHON), "-m", module, *arguments], cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def open_incident(context: Context) -> None:
    """Write down that a task has failed for good, and tell who wants to know; when it is seen again it stays one incident."""
    instance, code = context["ti"], getattr(context.get("exception"), "code", 0)
    arguments = ["open", "--incident", incident(instance.dag_id, instance.task_id), "--kind", kind(instance.task_id, code)]
    told = program("lake.incidents", *arguments, "--run-id", instance.run_id, "--reason", reason(context))
    # What is printed takes another way into the task's log, and may come behind the reason.
    log.info("%s", told.communicate()[0].strip())


def say_why(context: Context) -> None:
    """Make the reason the last line of the task's log, below what Airflow says of the failure."""
    log.error("%s", reason(context))


def reason(context: Context) -> str:
    """Why a task failed."""
    return str(context.get("exception") or "").strip() or "its process was killed or lost"


def incident(dag_id: str, task_id: str) -> str:
    """What an incident is called: the task that fails."""
    return f"{dag_id}.{task_id}"


def kind(task_id: str, code: int) -> str:
    """What an incident is, by the task and its exit code."""
    if code == GATE:
        return "gate"
    if code == INPUT:
        return "late" if task_id == CHECK else "input"
    return "store" if code == ENVIRONMENT and task_id.startswith(LOADS) else "task"


LOADS = "load_to_databases"
DEFAULTS = {
    "owner": "platform",
    "retries": 2,
    "execution_timeout": timedelta(hours=2),
    "on_retry_callback": say_why,
    "on_failure_callback": [open_incident, say_why],
}


def stores() -> list[str]:
    """Stores that some contract publishes to."""
    return sorted({store for gold in layer("gold") for store in gold.publish})


def unless_unwanted(context: Context) -> None:
    """Skip a task where the run's parameters say that nothing is to be published."""
    if not context["params"]["publish"]:
        raise AirflowSkipException("this run publishes nothing")


def load_to_databases(**kwargs: Any) -> TaskGroup:
    """One task for each store: what one does or fails at, the others don't notice."""
    connector = next((ROOT / ".venv" / "jars").glob("neo4j-connector-*.jar"), None)
    with TaskGroup(LOADS) as group:
        for store in stores():
            # Neo4j's jar carries its own netty, which Spark can't have on its class path.
            jars = {"jars": str(connector)} if store == "neo4j" else {}
            LakeJob(task_id=store, job="publish", arguments=["--stores", store], pre_execute=unless_unwanted, **jars, **kwargs)
    return group
