"""What begins a fine-tune: Label Studio's button, `POST /train`, enough new corrections; and its figures."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from click99.annotations.database import Database
from click99.annotations.saved_masks import MaskFilter, projects, saved_masks
from click99.labelstudio.errors import LabelStudioError
from click99.registry.check import RegistryError
from click99.registry.job import JOB_STATES, Job
from click99.registry.jobs import FINETUNE, BusyError, Jobs
from click99.registry.lines import ALL, group_of
from click99.registry.pruning import prune
from click99.server.poller import Poller
from click99.server.ray_job import SUBMIT
from click99.server.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0  # between counts of new corrections
EVER_SO_MANY = 1_000_000


class NotStartedError(LabelStudioError):
    """The disk takes no job."""

    status = 507


class Retraining(Poller, Collector):
    """Begins fine-tunes, and tells Prometheus of them. Any of several workers may: one job runs at a time,
    and goes on when the server is closed."""

    def __init__(self, settings: Settings, database: Database, jobs: Jobs | None = None):
        """database: the record."""
        command = SUBMIT if settings.retrain_ray else FINETUNE
        self._settings, self.jobs = settings, jobs or Jobs.at(settings.home, command)
        self._database = database
        super().__init__("retrain", LOOK_SECONDS, "New corrections are not counted")

    def begin(self, why: str, project: str = "") -> tuple[int, str]:
        """The number of the job that was begun, or of the one that runs already, and which of both it is.

        While one runs, another waits for its end, however often it is asked for. project: by number, to
        learn from, and from those that teach with it; "": the fine-tune chooses.
        """
        group = group_of(project, self._settings.lines)
        minutes = ["--minutes", f"{self._settings.retrain_minutes:g}"]
        try:
            number = self.jobs.start(why, minutes, self._settings.environment, group).number
        except BusyError as busy:
            self.jobs.want(why, group)
            return busy.job.number, f"{busy}; another begins when it is over"
        except OSError as error:
            raise NotStartedError(
                "CLICK99_HOME", f"no fine-tune is begun ({error})", "Free its disk"
            ) from None
        self._prune()
        log.info("Job %d is begun: %s", number, why)
        return number, f"job {number} is begun"

    def _prune(self) -> None:
        try:
            prune(
                self._settings.home,
                self._settings.retrain_keep,
                self._settings.model,
                self._settings.registry_url,
            )
        except (OSError, RegistryError) as error:
            log.warning("What older fine-tunes left is not cleared away: %s", error)

    def look(self) -> None:
        """Begin a fine-tune that waited, or if enough was corrected since the last one began."""
        if wanted := self.jobs.take_wanted():
            self.begin(*wanted)
        enough = self._settings.retrain_every
        if not enough or self.jobs.running():
            return
        new = corrected(self._database, self.jobs, self._settings.lines, enough)
        group, count = next(iter(new.items()), ("", 0))
        if count >= enough:
            self.begin(f"{enough} new corrected annotations", group)

    def collect(self) -> Iterator[Metric]:
        """Gauges of the running job, and how the others ended."""
        jobs = self.jobs.all()
        tuning = (job for job in jobs if job.kind == "fine-tune" and job.state == "running")
        running = next(tuning, None)
        yield GaugeMetricFamily("click99_training", "1 while a fine-tune runs.", float(running is not None))
        share = running.share if running else 0.0
        yield GaugeMetricFamily("click99_training_share", "How much of the running fine-tune is done.", share)
        ended = CounterMetricFamily("click99_training_jobs", "Fine-tunes that ended.", labels=["outcome"])
        counts = Counter(job.state for job in jobs)
        for state in JOB_STATES[1:]:
            ended.add_metric([state], counts[state])
        yield ended


def corrected(database: Database, jobs: Jobs, lines: str, enough: int = EVER_SO_MANY) -> dict[str, int]:
    """How many annotations with a mask that a person changed each group of projects has that were saved
    since its last fine-tune began; counts up to `enough`. Those with most come first."""
    with database.reading() as session:
        groups = {group_of(project, lines) for project in projects(session)}
        if lines != ALL:
            groups.discard("")
        found = {group: _corrected(session, group, _begun(jobs.last(group)), enough) for group in groups}
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def _begun(job: Job | None) -> datetime | None:
    """None, too, where the clock was ahead then: else what is saved until then would count for nothing."""
    began = datetime.fromisoformat(job.started_at) if job else None
    return None if began and began > datetime.now(UTC) else began


def _corrected(session: Session, group: str, since: datetime | None, enough: int) -> int:
    which, found = MaskFilter(project=group or None, since=since, corrected=True), set()
    for saved in saved_masks(session, which):
        found.add((saved.annotation.project, saved.annotation.id))
        if len(found) >= enough:
            break
    return len(found)
