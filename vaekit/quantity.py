"""A number with all that must travel with it, from the formula that made it to the page that shows it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from vaekit.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One measured number and the facts that every table, tile and sentence repeats.

    Attributes:
        value: the number in full; None where it could not be measured, and then `reason` says why.
        low, high: ends of the 95 % interval; None where there is none.
        n: what the number rests on: images, unless the definition says otherwise.
        label: what it is called, as a heading.
        unit: "nats per image", "bits per dimension", ...; "1" for a pure number.
        higher_is_better: None where neither direction is better.
        definition: the formula in words, with the paper; what a glossary shows.
        group: heading under which a list of numbers shows it.
        reason: why there is no value, or no interval.
        warning: what makes the value smell of a mistake.
    """

    value: float | int | None
    low: float | None = None
    high: float | None = None
    n: int
    label: str
    unit: str = "1"
    higher_is_better: bool | None = None
    definition: str
    group: str = ""
    reason: str | None = None
    warning: str | None = None

    def record(self) -> dict[str, Any]:
        """Return the number as plain data, for JSON; `from_record` reads it back."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any], where: str) -> Self:
        """Return the number in a record; DataError names `where` it stands and what is wrong with it.

        What an older vaekit did not write takes its default.
        """
        known = {field.name for field in fields(cls)}
        try:
            return cls(**{name: value for name, value in record.items() if name in known})
        except (AttributeError, TypeError) as error:
            raise DataError(
                f"{where} is no number of vaekit's ({error}): run the stage that writes it again."
            ) from None
