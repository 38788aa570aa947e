"""Render: what the command line shows to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from filesearch.cite import PATH_SEPARATOR, headings_beside, place_name, read_place
from filesearch.progress import problem_lines
from filesearch.render_costs import shown_bytes
from filesearch.shortfall import shortfall
from filesearch.terminal import escaped, escaped_text
from filesearch.types import Answer, Document, Location, SearchResult

if TYPE_CHECKING:
    from filesearch.doctor import Check
    from filesearch.evaluation.running import Evaluation
    from filesearch.maintain import Verification
    from filesearch.model_choices import ModelChoice
    from filesearch.plan import QueryPlan
    from filesearch.records import FileRecord
    from filesearch.reports import IngestReport
    from filesearch.summarize import Summary
    from filesearch.threads import Thread

SNIPPET_CHARACTERS = 300
_STAGE_LABELS = {"rerank": "hybrid+rerank"}
_MAX_NAMED = 20
_AROUND = 400  # characters shown before and behind a quote


def render_report(report: IngestReport) -> str:
    """Return a line for each file that failed or lost something, then one of totals."""
    problems = [line for outcome in report.outcomes for line in problem_lines(outcome)]
    # What failed comes before what is merely less than whole.
    problems.sort(key=lambda line: not line.lstrip().startswith("failed"))
    lines = problems[:_MAX_NAMED]
    if len(problems) > _MAX_NAMED:
        lines.append(f"  and {len(problems) - _MAX_NAMED} more; see: fsearch files --problems")
    described = sum(outcome.attributes_changed for outcome in report.unchanged)
    notes = {"unchanged": f" ({described} with other attributes)"} if described else {}
    counts = ", ".join(
        f"{count} {status}{notes.get(status, '')}"
        for status, count in report.counts.items()
        if count
    )
    totals = report.totals
    sizes = [_counted(totals.pages, "page"), _counted(totals.tables, "table")]
    taken = ", ".join([*filter(None, sizes), f"{totals.windows} windows"])
    lines.append(f"{counts or 'no files'}; {taken} in {report.seconds:.1f} s")
    return "\n".join(lines)


def render_changes(report: IngestReport) -> str:
    """Return a line for each file of which something became, unchanged ones left out."""
    lines = []
    for outcome in report.outcomes:
        if outcome.status == "failed":
            lines += problem_lines(outcome)
        elif outcome.status != "unchanged":
            was = f"{outcome.renamed_from} -> " if outcome.renamed_from else ""
            lines.append(f"  {outcome.status:<8} {escaped(was + outcome.filename)}")
    return "\n".join(lines)


def render_dry_run(report: IngestReport) -> str:
    """Return what would become of the files, and how many of each."""
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items() if count)
    lines = [
        render_changes(report),
        f"nothing was changed; an ingest would give: {counts or 'no files'}",
    ]
    return "\n".join(filter(None, lines))


def _counted(count: int | None, noun: str) -> str:
    """Return "1 page", "2 pages", and nothing for none."""
    if not count:
        return ""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def render_answer(answer: Answer) -> str:
    """Return the answer with [1] [2], then what `render_grounds` says of it."""
    return "\n".join([escaped_text(answer.text), "", render_grounds(answer)]).rstrip()


def render_grounds(answer: Answer) -> str:
    """Return the sources of an answer: file, place, quote; then what is wrong with them.

    An answer that rests on no passage lists the nearest ones instead.
    """
    lines: list[str] = []
    if answer.citations:
        lines.append(click.style("Sources", bold=True))
    for citation in answer.sources:
        lines.append(f"[{citation.number}] {_place(citation.filename, citation)}")
        lines.append(f"    “{_one_line(citation.quote, SNIPPET_CHARACTERS)}”")
    if not answer.is_answered and answer.results:
        lines.append(click.style("Nearest passages", bold=True))
        for result in answer.results[:3]:
            lines.append(f"  {_place(result.filename, result)}")
            lines.append(f"    {_one_line(result.text, 120)}")
    return "\n".join([*lines, *_doubts(answer)])


def _doubts(answer: Answer) -> list[str]:
    """Return a line for what the answer falls short of, and for each sentence without support.

    Before the latter one for an answer in which none of its facts has a source.
    """
    lines = [line] if (line := shortfall(answer)) else []
    if answer.uncited and not answer.citations:
        lines.append("nothing of this answer rests on the documents")
    for citation in answer.unsupported:
        missing = f": it does not hold {', '.join(citation.missing)}" if citation.missing else ""
        lines.append(f"[{citation.number}] does not support the sentence that cites it{missing}")
    lines += [
        f"no source is cited for: “{_one_line(sentence, SNIPPET_CHARACTERS)}”"
        for sentence in answer.uncited
    ]
    if answer.dropped_markers:
        lines.append(f"{answer.dropped_markers} markers of the model pointed at no passage")
    return [click.style(f"Warning: {line}", fg="yellow") for line in lines]


def render_thread_list(threads: Sequence[Thread]) -> str:
    """Return a line for each conversation, the newest first."""
    if not threads:
        return "no conversations"
    return "\n".join(
        f"{thread.id}  {_day(thread.created_at)}  {thread.message_count:3d} messages  "
        f"{escaped(thread.title)}"
        for thread in threads
    )


def _day(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def render_source_line(citation: Mapping[str, Any]) -> str:
    """Return where the `file_citation` of an annotation stands, and its quote."""
    place = _place(citation["filename"], read_place(citation))
    return f"[{citation['number']}] {place}: “{_one_line(citation['quote'], SNIPPET_CHARACTERS)}”"


def render_source(citation: Mapping[str, Any], document: Document | None) -> str:
    """Return a citation's passage within its document, the quote between » and «.

    Args:
        citation: The `file_citation` of an annotation.
        document: None when the file is gone; the quote alone is shown then.
    """
    place = _place(citation["filename"], read_place(citation))
    quote = click.style(citation["quote"], bold=True)
    head = f"[{citation['number']}] {place}"
    start, end = citation["start"], citation["end"]
    if document is None or document.text[start:end] != citation["quote"]:
        return f"{head}\n»{quote}«\n(the file has changed or is gone)"
    before = document.text[max(0, start - _AROUND) : start]
    after = document.text[end : end + _AROUND]
    return f"{head}\n{before.lstrip()}»{quote}«{after.rstrip()}"


def render_summary(summary: Summary) -> str:
    """Return what each file says under its name, then what all say together."""
    parts = [(escaped(file.filename), file.answer) for file in summary.files]
    if summary.overall is not None:
        parts.append((f"All {len(summary.files)} files", summary.overall))
    return "\n\n".join(
        f"{click.style(title, bold=True)}\n\n{render_answer(answer)}" for title, answer in parts
    )


def _place(filename: str, where: Location) -> str:
    name, place = escaped(filename), escaped(place_name(filename, where))
    parts = [click.style(name, fg="cyan") + place.removeprefix(name)]
    headings = headings_beside(where)
    if headings:
        parts.append(PATH_SEPARATOR.join(headings))
    return ", ".join(parts)


def _one_line(text: str, limit: int) -> str:
    joined = escaped(" ".join(text.split()))
    return joined if len(joined) <= limit else joined[: limit - 1].rstrip() + "…"


def render_plan(plan: QueryPlan) -> str:
    """Return a line for each query that was searched for, then what was done to the question."""
    lines = [f"searched for: {query}" for query in plan.queries]
    return "\n".join([*lines, *(f"  ({note})" for note in plan.notes)])


def render_results(results: Sequence[SearchResult], *, explain: bool) -> str:
    """Return the passages: score, place, the beginning of the text; with shares to explain."""
    if not results:
        return "No passage matches."
    lines = []
    for number, result in enumerate(results, start=1):
        place = _place(result.filename, result)
        lines.append(f"{number:2d}. {result.score:.3f}  {place}")
        if result.also_in:
            lines.append(f"      also in {_names(result.also_in)}")
        if explain:
            lines.append(
                f"      keyword {result.keyword_share:.3f} + vector {result.vector_share:.3f}, "
                f"characters {result.start}-{result.end}, chunk {result.chunk} of {result.file_id}"
            )
        lines.append(f"      {_one_line(result.text, SNIPPET_CHARACTERS)}")
    return "\n".join(lines)


def _names(names: Sequence[str]) -> str:
    shown = escaped(", ".join(names[:3]))
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def render_files(records: Sequence[FileRecord]) -> str:
    """Return a line for each file, and its errors and warnings below it."""
    if not records:
        return "no files"
    width = min(60, max(len(escaped(record.filename)) for record in records))
    lines = []
    for record in records:
        line = (
            f"{record.id}  {escaped(record.filename):<{width}}  {record.status:<9}  "
            f"{record.chunk_count:5d} chunks  {shown_bytes(record.size_bytes):>9}  {_holds(record)}"
        )
        lines.append(line.rstrip())
        if record.error:
            lines.append(f"    {record.error_code}: {escaped(record.error)}")
        lines += [f"    warning: {escaped(warning)}" for warning in record.warnings]
    return "\n".join(lines)


def _holds(record: FileRecord) -> str:
    counts = (
        (record.page_count, "page"),
        (record.table_count, "table"),
        (record.char_count, "character"),
    )
    return ", ".join(filter(None, (_counted(count, noun) for count, noun in counts)))


def render_problems(records: Sequence[FileRecord], *, total: int) -> str:
    """Return what `render_files` does, with what each file holds, then how many there are.

    Args:
        records: The files with an error or a warning.
        total: How many files the index has.
    """
    failed = sum(bool(record.error) for record in records)
    counts = f"{failed} failed, {len(records) - failed} with warnings, of {total} files"
    return "\n".join([*([render_files(records)] if records else []), counts])


def render_verification(found: Verification) -> str:
    """Return what was checked, then one line for each damage, and one for bytes that are gone."""
    lines = [f"checked {found.segments} segments, {found.files} files, {found.chunks} chunks"]
    if found.repaired:
        lines.append(f"rebuilt {found.repaired} segments")
    if found.orphans:
        lines.append(f"{found.orphans} leftover segments; the next ingest sweeps them away")
    for damage in found.damages:
        where = f"segment {damage.segment}" if damage.segment else "catalog"
        lines.append(f"  damaged  {where}: {escaped(damage.problem)}")
    if found.without_bytes:
        which = "1 file is" if found.without_bytes == 1 else f"{found.without_bytes} files are"
        lines.append(
            f"the bytes of {which} missing; put back the folder blobs of the index, or remove such "
            "files and ingest or upload them again"
        )
    if not (found.damages or found.without_bytes):
        lines.append("all holds together")
    elif any(damage.can_be_rebuilt for damage in found.damages):
        lines.append("run: fsearch verify --repair")
    return "\n".join(lines)


def render_checks(checks: Sequence[Check]) -> str:
    """Return one line for each check of `fsearch doctor`."""
    return "\n".join(
        f"{click.style('ok  ', fg='green') if check.is_ok else click.style('FAIL', fg='red')}  "
        f"{check.name}: {check.detail}"
        for check in checks
    )


def render_models(choices: Sequence[ModelChoice]) -> str:
    """Return the models by setting, a line each: name, what it is, what it still needs."""
    width = max(len(choice.name) for choice in choices)
    lines: list[str] = []
    setting = None
    for choice in choices:
        if choice.setting != setting:
            setting = choice.setting
            lines.extend([*([""] if lines else []), click.style(setting, bold=True)])
        mark = "*" if choice.is_chosen else " "
        needs = click.style(f"  ({choice.needs})", fg="yellow") if choice.needs else ""
        lines.append(f"{mark} {escaped(choice.name):<{width}}  {escaped(choice.what)}{needs}")
    return "\n".join(lines)


def render_evaluation(evaluation: Evaluation) -> str:
    """Return a table of figures, a stage a line, and how nDCG@10 changes from stage to stage."""
    from filesearch.evaluation.measures import MEASURES

    labels = {o.stage: _STAGE_LABELS.get(o.stage, o.stage) for o in evaluation.outcomes}
    columns = [*MEASURES, "p50 ms", "p95 ms"]
    lines = [
        f"{evaluation.dataset}: {evaluation.query_count} queries, "
        f"{evaluation.document_count} documents",
        "",
        click.style(f"{'stage':<15}" + "".join(f"{name:>12}" for name in columns), bold=True),
    ]
    for outcome in evaluation.outcomes:
        figures = "".join(f"{outcome.mean(name):12.4f}" for name in MEASURES)
        times = "".join(f"{outcome.percentile_ms(percent):12.1f}" for percent in (50, 95))
        lines.append(f"{labels[outcome.stage]:<15}{figures}{times}")
    steps = [step for step in evaluation.steps() if step.measure == "nDCG@10"]
    if steps:
        title = "change of nDCG@10 (95% interval, paired bootstrap over queries)"
        lines += ["", click.style(title, bold=True)]
    for step in steps:
        found = step.difference
        lines.append(
            f"{labels[step.first]} to {labels[step.second]}".ljust(27)
            + f"{found.mean:+.4f}  [{found.low:+.4f}, {found.high:+.4f}]  p {found.p:.4f}"
        )
    return "\n".join(lines)
