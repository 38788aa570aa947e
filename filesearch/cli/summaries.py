"""Command that says what files say: summarize."""

from __future__ import annotations

import click

from filesearch.cli.options import count_to_stderr, index_option, json_option, print_json


@click.command()
@click.argument("targets", nargs=-1, metavar="[FILE...]")
@index_option
@click.option("--all", "all_files", is_flag=True, help="Summarize every file of the index.")
@click.option("--model", metavar="NAME", help="What writes [default: extractive, which quotes].")
@click.option(
    "--sentences",
    type=click.IntRange(1, 50),
    default=5,
    show_default=True,
    help="At most how many.",
)
@json_option
def summarize(
    targets: tuple[str, ...],
    index: str | None,
    all_files: bool,
    model: str | None,
    sentences: int,
    as_json: bool,
) -> None:
    """Say what files say, in a few sentences with numbered sources.

    FILE is an id, name or path of a file of the index, or a quoted pattern such as '*.pdf'. Of
    several files each gets a sentence or two, and all get a summary together.

    With --json: {"files": [{"file_id", "filename", "content", "incomplete_reason"}], "overall",
    "overall_incomplete_reason"}; content and overall are OpenAI message content parts, as of ask.
    """
    from filesearch.cite import content_part
    from filesearch.config import EXTRACTIVE_MODEL
    from filesearch.engine import FileSearch
    from filesearch.render import render_summary
    from filesearch.summarize import summarize_files

    if bool(targets) == all_files:
        raise click.UsageError("give files, such as: fsearch summarize handbook.pdf; or --all")
    with FileSearch(index, chat_model=model) as fs:
        is_extractive = fs.settings.chat_model == EXTRACTIVE_MODEL
        summary = summarize_files(
            fs,
            None if all_files else targets,
            sentences=sentences,
            model=None if is_extractive else fs.chat_model,
            on_progress=count_to_stderr("summarized"),
        )
    if not as_json:
        click.echo(render_summary(summary))
        return
    overall = None if summary.overall is None else content_part(summary.overall)
    print_json(
        {
            "files": [
                {
                    "file_id": file.file_id,
                    "filename": file.filename,
                    "content": content_part(file.answer),
                    "incomplete_reason": file.answer.incomplete_reason,
                }
                for file in summary.files
            ],
            "overall": overall,
            "overall_incomplete_reason": summary.overall and summary.overall.incomplete_reason,
        }
    )
