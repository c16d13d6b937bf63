# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""How the iterations of an inline Map are handed to threads.

AWS runs at most 40 iterations of an inline Map at once. The interpreter starts a thread for
each item where MaxConcurrency is 0, and as many as MaxConcurrency says for fewer items; and it
takes the next item by recursion, so that about a thousand items in one thread end in a
RecursionError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.inline_iteration_component import (  # noqa: E501 - a name of the interpreter
    InlineIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker import (  # noqa: E501 - a name of the interpreter
    IterationWorker,
)

from statebag.asl.quotas import INLINE_CONCURRENCY
from statebag.local.corrections.patch import Patch

if TYPE_CHECKING:
    from statebag.local.moto_run import Run

__all__ = ["patches"]


def patches(_: Run) -> list[Patch]:
    """The patches of this correction."""
    launch = InlineIterationComponent._launch_worker

    def _launch_worker(self: Any, env: Any, eval_input: Any, job_pool: Any) -> Any:
        started = getattr(job_pool, "statebag_workers", 0)
        if started >= min(INLINE_CONCURRENCY, job_pool._jobs_number):
            return None
        job_pool.statebag_workers = started + 1
        return launch(self, env=env, eval_input=eval_input, job_pool=job_pool)

    def worker_eval(self: Any) -> None:
        frame = self._env.open_frame()
        job = self._job_pool.next_job()
        if job is None:
            self._env.close_frame(frame)
            return
        while job is not None:
            job_frame = frame.open_inner_frame()
            self._eval_job(env=job_frame, job=job)
            frame.close_frame(job_frame)
            failed = isinstance(job.job_output, Exception)
            following = None if failed or self.stopped() else self._job_pool.next_job()
            if following is None:
                if not failed:
                    history = frame.event_history_context
                    history.source_event_id = (
                        job_frame.event_history_context.last_published_event_id
                    )
                # Before the job is closed: the Map goes on when its last job is.
                self._env.close_frame(frame)
            self._job_pool.close_job(job)
            job = following

    return [
        Patch(InlineIterationComponent, "_launch_worker", _launch_worker),
        Patch(IterationWorker, "eval", worker_eval),
    ]
