"""What every file that one step writes and another reads has in common: a schema, reading, writing."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from mmbfbox.errors import UserError
from mmbfbox.utils.files import atomic_write

Self = TypeVar('Self', bound='Artifact')


@dataclass(frozen=True)
class Artifact:
    """A JSON file; a subclass is a frozen dataclass whose fields are what the file holds.

    ``KIND`` says in a sentence what the file is, ``SCHEMA`` counts its layouts from 1 (a file without a
    number is of schema 1), ``ADVICE`` what to do about one that cannot be read. A subclass whose fields
    are not plain JSON values overrides :meth:`to_plain` and :meth:`from_plain`; one whose layout has
    changed, :meth:`upgrade`.

    Example:
        >>> import tempfile
        >>> @dataclass(frozen=True)
        ... class Note(Artifact):
        ...     KIND = 'a note'
        ...     text: str
        >>> path = Path(tempfile.mkdtemp()) / 'note.json'
        >>> Note('hello').write(path)
        >>> Note.read(path)
        Note(text='hello')
    """

    SCHEMA: ClassVar[int] = 1
    KIND: ClassVar[str] = 'a file of mmbfbox'
    ADVICE: ClassVar[str] = 'make it anew'

    def to_plain(self) -> dict[str, Any]:
        """The fields as values that JSON has; what is at its default of None is left out."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        optional = {field.name for field in fields(self) if field.default is None}
        return {k: v for k, v in plain.items() if not (k in optional and v is None)}

    def named_plain(self) -> dict[str, Any]:
        """What the file holds: its schema, and the fields."""
        return {'schema': self.SCHEMA, **self.to_plain()}

    @classmethod
    def from_plain(cls: type[Self], data: dict[str, Any]) -> Self:
        """From the fields of a file; what goes wrong here is reported as a damaged file."""
        return cls(**data)

    @classmethod
    def upgrade(cls, data: dict[str, Any], schema: int) -> dict[str, Any]:
        """The fields of a file of an older schema as today's."""
        return data

    def to_json(self, indent: int | None = None) -> str:
        """The file's text.

        Raises:
            UserError: a number is infinite or not a number, which JSON does not have.
        """
        try:
            return json.dumps(self.named_plain(), indent=indent, allow_nan=False)
        except ValueError as error:
            raise UserError(
                f'{self.KIND} has a value that JSON cannot hold ({error}); write None for a number that '
                f'is not known'
            ) from error

    @classmethod
    def from_json(cls: type[Self], text: str, source: str | Path) -> Self:
        """Read a file's text.

        Args:
            text: what the file holds.
            source: its name, for messages.

        Raises:
            UserError: the text is not such a file, or of a newer schema.
        """
        try:
            data = json.loads(text)
            if not isinstance(data, dict):
                raise TypeError(f'expected an object, not {type(data).__name__}')
            schema = data.pop('schema', 1)
            if not isinstance(schema, int) or isinstance(schema, bool):
                raise TypeError(f'the schema is {schema!r}, expected a whole number')
        except (ValueError, TypeError) as error:
            raise cls._damaged(source, str(error)) from error
        if schema > cls.SCHEMA:
            raise UserError(
                f'{source} is {cls.KIND} of schema {schema}, and this version of mmbfbox reads up to '
                f'{cls.SCHEMA}; update mmbfbox'
            )
        try:
            if schema < cls.SCHEMA:
                data = cls.upgrade(data, schema)
            cls._check_names(data)
            return cls.from_plain(data)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, UserError):
                raise
            raise cls._damaged(source, str(error)) from error

    @classmethod
    def read(cls: type[Self], path: str | Path) -> Self:
        """Read a file.

        Raises:
            UserError: it is not there, cannot be read, is damaged, or of a newer schema.
        """
        try:
            text = Path(path).read_text(encoding='utf-8-sig')
        except OSError as error:
            raise UserError(f'{path} ({cls.KIND}) cannot be read: {error.strerror}') from error
        except UnicodeDecodeError as error:
            raise cls._damaged(path, 'it is no text') from error
        return cls.from_json(text, path)

    def write(self, path: str | Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            UserError: the folder cannot be written to, the disk is full, or a value does not fit.
        """
        text = self.to_json(indent=2)
        with atomic_write(path) as temporary:
            temporary.write_text(text + '\n', encoding='utf-8')

    @classmethod
    def _check_names(cls, data: dict[str, Any]) -> None:
        known = {field.name: field for field in fields(cls)}
        unknown = sorted(set(data) - set(known))
        if unknown:
            raise ValueError(f'unknown field {", ".join(unknown)}')
        missing = [
            name
            for name, field in known.items()
            if name not in data and field.default is MISSING and field.default_factory is MISSING
        ]
        if missing:
            raise ValueError(f'no {", ".join(missing)}')

    @classmethod
    def _damaged(cls, source: str | Path, why: str) -> UserError:
        return UserError(f'{source} is damaged or not {cls.KIND} ({why}); {cls.ADVICE}')
