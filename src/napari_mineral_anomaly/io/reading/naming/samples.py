"""Several samples in one folder: the user chooses one; maps of two are never combined."""

from __future__ import annotations

from collections.abc import Sequence

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.names.map_names import ParsedName, samples_of
from napari_mineral_anomaly.words import listed


def of_one_sample(parsed: Sequence[ParsedName], sample: str | None, where: str) -> list[ParsedName]:
    """Keep the elements of one sample; those of the others are left out, with a reason.

    Parameters
    ----------
    parsed : sequence of ParsedName
    sample : str or None
        The words of the sample in the names, or one of them: "Sample_01" or "01".
    where : str
        The folder or file, for the sentence.

    Raises
    ------
    InputError
        When the names mix samples and none was chosen, or when the chosen one is not there.
    """
    mixed = samples_of(parsed)
    if sample is None:
        if mixed:
            example = next(filter(None, mixed), "")
            said = [name or "no other words" for name in mixed]
            raise InputError(
                f"{where} mixes maps of {len(mixed)} samples ({listed(said)}): choose one, "
                f'with sample="{example}" in Python or --sample "{example}" on the command line'
                + (', "" for the names without other words.' if "" in mixed else ".")
            )
        return list(parsed)
    by_name = [entry for entry in parsed if entry.role == "element" and not entry.told_by]
    present = mixed or tuple(sorted({entry.sample for entry in by_name}))
    chosen = _matching(present, sample)
    if chosen is None:
        raise InputError(
            f"{where} has no sample {sample!r}; the names of its maps say: "
            f"{listed([name or '(nothing)' for name in present])}."
        )
    return [
        _of_another(entry) if entry in by_name and entry.sample != chosen else entry
        for entry in parsed
    ]


def _of_another(entry: ParsedName) -> ParsedName:
    reason = f"belongs to sample {entry.sample or 'without a name'}"
    return ParsedName(name=entry.name, role="left out", label=entry.name, reason=reason)


def _matching(samples: Sequence[str], wanted: str) -> str | None:
    """The sample called ``wanted``, or the only one whose name contains it as a word."""
    wanted = wanted.casefold()
    for sample in samples:
        if sample.casefold() == wanted:
            return sample
    blanks = str.maketrans("-_.", "   ")
    containing = [s for s in samples if wanted in s.casefold().translate(blanks).split()]
    return containing[0] if len(containing) == 1 else None
