"""One run of a channel, from its resources to its entry in the history."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from bannette import logs, ocr, onedrive, resources
from bannette.binder import Binder, StateAdvanced, open_store
from bannette.collector import status
from bannette.collector.assignment import Assignment
from bannette.collector.capacity import Capacity, capacity
from bannette.collector.concurrency import Concurrency
from bannette.collector.courier import Courier, Told
from bannette.collector.discovery import Discovery
from bannette.collector.documents import Destination, Documents
from bannette.collector.handover import Halt, ScratchSpace
from bannette.collector.heartbeat import Heartbeat
from bannette.collector.interruption import Interruption, RunClock, interrupted
from bannette.collector.ledger import MOST_DEFERRED, Counts, Ledger
from bannette.collector.order import Order
from bannette.collector.pipeline import Pipeline
from bannette.collector.progress import progress_for
from bannette.collector.reading import reading_limits, tessdata_of
from bannette.collector.reporting import (
    Verdict,
    history_entry,
    run_report,
    verdict_of_error,
    verdict_of_success,
    write_termination_log,
)
from bannette.collector.scope import Start, start_from
from bannette.collector.states import States
from bannette.errors import BannetteError, ExitCode, Transient
from bannette.onedrive import Graph, Usage
from bannette.resources import Channel, HistoryEntry, RunResult, Trigger

logger = logging.getLogger(__name__)

# Before the Job's six hours are over, so that the run can still say how far it came.
_LONGEST: Final = 5.5 * 3600
# So much later it ends though a request is still under way: one whose answer never comes to its end.
_OVERDUE: Final = 120.0
_TICK: Final = 0.1
# For how long a run that was told to end waits for what is under way.
_GRACE: Final = 8.0
_HISTORY_LIMIT: Final = 10


class Run:
    """One run.

    Args:
        in_pod: leave the history entry where the kubelet finds it.
    """

    def __init__(
        self,
        assignment: Assignment,
        order: Order,
        interruption: Interruption,
        *,
        environ: Mapping[str, str] = os.environ,
        in_pod: bool = False,
    ) -> None:
        self._assignment = assignment
        self._status = assignment.status
        self._order = order
        self._interruption = interruption
        self._environ = environ
        self._in_pod = in_pod
        self._halt = Halt()
        self._channel: Channel | None = None
        self._binder: Binder | None = None
        self._states: States | None = None
        self._ledger: Ledger | None = None
        self._discovery: Discovery | None = None
        self._graph: Graph | None = None
        self._earlier: HistoryEntry | None = None
        self._overdue: Transient | None = None
        self._told: Told | None = None

    def run(self) -> tuple[HistoryEntry, int]:
        """Do it; return the entry of the history, and the exit code. Never raises."""
        try:
            verdict = self._verdict()
            entry = self._entry(verdict)
            self._report(entry)
            return entry, verdict.exit_code
        finally:
            self._status.close()

    def _verdict(self) -> Verdict:
        try:
            return self._collect()
        except StateAdvanced as error:
            message = f"{error} Nothing is lost: the documents that this run collected are collected."
            return Verdict(result=RunResult.SUCCEEDED, reason=error.reason, message=message, exit_code=ExitCode.DONE)
        except BannetteError as error:
            return verdict_of_error(error, self._notes)
        except Exception as error:  # noqa: BLE001 - the top of a run
            logs.crash(logger, "run.crashed", error)
            return verdict_of_error(error)

    def _collect(self) -> Verdict:
        order = self._order
        self._status.wait_for_turn(order.id, self._interruption)
        self._interruption.check()
        channel = self._channel = self._assignment.channel()
        logs.event(
            logger,
            "run.started",
            channel=f"{channel.namespace}/{channel.name}",
            run=order.id,
            trigger=order.trigger.value,
            job=order.job,
        )
        before = self._status.update(lambda now: status.began(now, order))
        self._earlier = next((entry for entry in before.history if entry.id == order.id), None)
        resource = self._assignment.binder(channel)
        binder = self._binder = Binder.open(
            open_store(self._assignment.storage(resource)),
            uid=resource.uid,
            namespace=resource.namespace,
            company=resource.company,
            expected=before.checkpoint is not None,
            adopt=resource.adopt,
        )
        recipient = self._assignment.recipient(channel)
        states = self._states = States(binder, channel)
        day = channel.schedule.local_day(order.due_at).isoformat()
        if order.trigger is Trigger.SCHEDULED and states.loaded and states.loaded.last_automatic_day == day:
            return Verdict(
                result=RunResult.SKIPPED,
                reason="AlreadyCollectedToday",
                message=f"The automatic run of {day} has been already.",
                exit_code=ExitCode.DONE,
            )
        limits = reading_limits(channel.ocr)
        room = self._prepare(channel, limits)
        courier = self._send_courier(resource, binder)
        destination = Destination(
            binder=binder, resource=resource, channel=channel, recipient=recipient, run=order.id, courier=courier
        )
        try:
            ledger = self._walk(destination, room, limits, day=day if order.automatic else None)
        finally:
            shutil.rmtree(self._assignment.scratch, ignore_errors=True)
            self._end_telling(courier)
        return verdict_of_success(ledger.counts, ledger.standing(), self._notes)

    def _send_courier(self, resource: resources.Binder, binder: Binder) -> Courier | None:
        if resource.events is None:
            return None
        courier = Courier(
            binder,
            lambda: self._assignment.sink(resource),
            namespace=resource.namespace,
            name=resource.name,
            run=self._order.id,
        )
        courier.start()
        return courier

    def _end_telling(self, courier: Courier | None) -> None:
        if courier is not None:
            self._told = courier.finish(hurried=lambda: self._interruption.requested)
        try:
            self._status.show_in_binder(resources.EVENTS_DELIVERED, self._told.condition if self._told else None)
        except BannetteError as error:
            logs.event(logger, "status.unwritable", level=logging.WARNING, reason=error.reason)

    def _prepare(self, channel: Channel, limits: ocr.Limits) -> Capacity:
        scratch = self._assignment.scratch
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True, mode=0o700)
        if channel.ocr.enabled:
            ocr.check_languages(channel.ocr.languages, tessdata=tessdata_of(channel.ocr))
        return capacity(scratch=scratch, limits=limits, reads=channel.ocr.enabled)

    def _walk(self, to: Destination, room: Capacity, limits: ocr.Limits, *, day: str | None) -> Ledger:
        states = self._states
        assert states is not None  # noqa: S101 - loaded by the caller
        channel, source = to.channel, to.channel.onedrive
        endpoints = onedrive.endpoints_for(source.cloud.value, self._environ)
        clock = RunClock(self._halt)
        graph = self._graph = Graph(
            endpoints,
            self._assignment.sign_in(channel, endpoints, self._environ),
            clock=clock,
            deadline=clock.monotonic() + _LONGEST,
        )
        start = start_from(source, states.loaded.position if states.loaded else None)
        ledger = self._ledger = Ledger(states.loaded, start.position, most_deferred=MOST_DEFERRED)
        documents = Documents(
            graph,
            to,
            ledger=ledger,
            scratch=self._assignment.scratch,
            space=ScratchSpace(room.scratch_bytes, self._halt),
            halt=self._halt,
            limits=limits,
            passwords=self._assignment.passwords(channel) if channel.ocr.enabled else (),
        )
        pipeline = self._pipeline(graph, to, start, documents, room, ledger)
        try:
            with Heartbeat(self._status, self._order, ledger):
                self._supervise(pipeline, states, ledger, f"{channel.namespace}/{channel.name}")
        finally:
            documents.absolve()
        error = interrupted() if self._interruption.requested else pipeline.error or self._overdue
        try:
            states.save(ledger, day=None if error else day)
        except BannetteError as unsaved:
            raise error or unsaved from None
        if error is not None:
            raise error
        return ledger

    def _pipeline(
        self, graph: Graph, to: Destination, start: Start, documents: Documents, room: Capacity, ledger: Ledger
    ) -> Pipeline:
        discovery = self._discovery = Discovery(
            graph, to.channel.onedrive, binder=to.binder, ledger=ledger, start=start, halt=self._halt
        )
        concurrency = Concurrency(self._halt, throttled=lambda: graph.throttled, clock=time.monotonic)
        return Pipeline(discovery, documents, ledger=ledger, concurrency=concurrency, capacity=room, halt=self._halt)

    def _supervise(self, pipeline: Pipeline, states: States, ledger: Ledger, channel: str) -> None:
        """Return when the pipeline has ended, or a while after it was told to."""
        pipeline.start()
        until = time.monotonic() + _LONGEST + _OVERDUE
        told: float | None = None
        with progress_for(channel) as progress:
            shown = time.monotonic()
            while not pipeline.ended.wait(_TICK):
                now = time.monotonic()
                if now - shown >= progress.every:
                    shown = now
                    progress.show(ledger.counts, failed=ledger.failed)
                if now > until and not self._halt.abandoned:
                    self._overdue = Transient(
                        "A request of this run is never answered in full; the next run goes on from here.",
                        reason="TimeUp",
                    )
                    self._halt.abandon()
                if self._interruption.requested:
                    self._halt.abandon()
                if self._halt.abandoned:
                    # Again and again: a reading may just have begun.
                    ocr.stop_all()
                    told = told or now
                    if now - told > _GRACE:
                        return
                    continue
                try:
                    saved = states.save_if_due(ledger)
                except BannetteError:
                    self._halt.abandon()
                    ocr.stop_all()
                    raise
                if saved and states.checkpoint is not None:
                    self._show_checkpoint(states)

    def _show_checkpoint(self, states: States) -> None:
        checkpoint = states.checkpoint
        if checkpoint is not None:
            try:
                self._status.update(lambda now: status.saved(now, checkpoint))
            except BannetteError as error:
                logs.event(logger, "status.unwritable", level=logging.WARNING, reason=error.reason)

    @property
    def _notes(self) -> list[str]:
        notes = self._discovery.notes if self._discovery else []
        return [*notes, self._told.note] if self._told and self._told.note else notes

    def _entry(self, verdict: Verdict) -> HistoryEntry:
        counts = self._ledger.counts if self._ledger else Counts()
        loaded = self._states.loaded if self._states else None
        ledger = self._ledger or (Ledger(loaded, None, most_deferred=MOST_DEFERRED) if loaded else None)
        return history_entry(
            self._order,
            verdict,
            counts,
            ledger.standing() if ledger else None,
            self._usage,
            completed_at=datetime.now(UTC),
            generation=self._channel.generation if self._channel and self._in_pod else None,
            earlier=self._earlier,
        )

    def _report(self, entry: HistoryEntry) -> None:
        """Say how the run ended, everywhere; what can't be said in one place is said in the others."""
        write_termination_log(entry, self._environ, in_pod=self._in_pod)
        channel = self._channel
        if channel is not None and self._binder is not None:
            self._save_report(self._binder, channel, entry)
        checkpoint = self._states.checkpoint if self._states else None
        limit = channel.history_limit if channel else _HISTORY_LIMIT
        try:
            self._status.update(lambda now: status.ended(now, entry, checkpoint, limit=limit))
            counts = self._ledger.counts if self._ledger else Counts()
            if counts.collected:
                self._status.count_arrivals(documents=counts.collected, size=counts.bytes, at=entry.completed_at)
        except BannetteError as error:
            logs.event(logger, "status.unwritable", level=logging.ERROR, reason=error.reason)
        logs.event(
            logger,
            "run.finished",
            level=logging.ERROR if entry.result is RunResult.FAILED else logging.INFO,
            channel=f"{channel.namespace}/{channel.name}" if channel else None,
            run=entry.id,
            result=entry.result.value,
            reason=entry.reason,
            message=entry.message,
            collected=entry.collected,
            already_seen=entry.already_seen,
            duplicates=entry.duplicates,
            deferred=entry.deferred,
            rejected=entry.rejected,
            requests=self._usage.requests,
            seconds=f"{(entry.completed_at - entry.started_at).total_seconds():.1f}",
        )

    def _save_report(self, binder: Binder, channel: Channel, entry: HistoryEntry) -> None:
        report = run_report(
            entry,
            channel,
            counts=self._ledger.counts if self._ledger else Counts(),
            standing=self._ledger.standing() if self._ledger else None,
            notes=self._notes,
            usage=self._usage,
            told=self._told,
        )
        try:
            binder.save_report(channel.namespace, channel.name, report)
        except BannetteError as error:
            logs.event(logger, "report.unwritable", level=logging.ERROR, reason=error.reason)

    @property
    def _usage(self) -> Usage:
        return self._graph.usage if self._graph else Usage()
