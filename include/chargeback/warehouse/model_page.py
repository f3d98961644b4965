"""The page docs/model.md, made of what the database says of itself: grain, columns, keys, checks, a diagram.

What no catalog holds, such as example queries, is written by hand in include/config/model_page.md; `{{name}}` marks
where each made part goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

TEMPLATE = Path(__file__).resolve().parents[2] / "config" / "model_page.md"
STAR = "bi.fact_chargeback"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type as PostgreSQL writes it, and its comment."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True, slots=True)
class Constraint:
    """A key or check: `kind` is PostgreSQL's letter (p, u, f, c), `target` the table a foreign key leads to."""

    kind: str
    columns: tuple[str, ...]
    target: str | None
    definition: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view, by `schema.name`; the first line of its comment is its grain."""

    name: str
    is_view: bool
    comment: str
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]

    @property
    def short_name(self) -> str:
        return self.name.partition(".")[2]


def render(connection: Connection) -> str:
    """The whole page, for a warehouse that has this version's schema."""
    relations = _relations(connection)
    of_schema = {
        schema: [relation for relation in relations if relation.name.startswith(f"{schema}.")]
        for schema in ("bi", "mart", "ops")
    }
    of_schema["bi"].sort(key=lambda relation: (_is_star(relation), relation.name))
    parts = {
        "star": _star_diagram(of_schema["bi"]),
        "bus": _bus_matrix(of_schema["bi"]),
        "bi": "\n\n".join(map(_section, of_schema["bi"])),
        "mart_diagram": _foreign_key_diagram(of_schema["mart"]),
        "mart": "\n\n".join(map(_section, of_schema["mart"])),
        "ops": _summary(of_schema["ops"]),
    }
    template = TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def _relations(connection: Connection) -> list[Relation]:
    columns: dict[str, list[Column]] = {}
    for row in execute(connection, _COLUMNS):
        columns.setdefault(row.relation, []).append(Column(row.name, row.type, row.comment or ""))
    constraints: dict[str, list[Constraint]] = {}
    for row in execute(connection, _CONSTRAINTS):
        constraints.setdefault(row.relation, []).append(
            Constraint(row.kind, tuple(row.columns or ()), row.target, row.definition)
        )
    return [
        Relation(
            row.name,
            row.is_view,
            row.comment or "",
            tuple(columns.get(row.name, ())),
            tuple(constraints.get(row.name, ())),
        )
        for row in sorted(execute(connection, _RELATIONS), key=lambda row: row.name)
    ]


def _is_star(relation: Relation) -> bool:
    return relation.short_name.startswith(("dim_", "fact_"))


def _section(relation: Relation) -> str:
    grain, *notes = relation.comment.split("\n")
    lines = [f"### {relation.name}", "", _code(grain), ""]
    lines += [f"- {_note(note)}" for note in notes]
    lines += [f"- **Check**: `{_rule(each)}`" for each in relation.constraints if each.kind == "c"]
    lines += [f"- **Unique**: {_names(each.columns)}." for each in relation.constraints if each.kind == "u"]
    if lines[-1]:
        lines.append("")
    return "\n".join([*lines, *_column_table(relation)])


def _column_table(relation: Relation) -> Iterable[str]:
    if relation.is_view:
        yield from ("| column | type | meaning |", "|---|---|---|")
        for column in relation.columns:
            yield f"| `{column.name}` | {column.type} | {_cell(column.comment)} |"
        return
    yield from ("| column | type | key | meaning |", "|---|---|---|---|")
    for column in relation.columns:
        keys = ", ".join(_keys(relation, column))
        yield f"| `{column.name}` | {column.type} | {keys} | {_cell(column.comment)} |"


def _keys(relation: Relation, column: Column) -> Iterable[str]:
    for constraint in relation.constraints:
        if column.name in constraint.columns:
            if constraint.kind == "p":
                yield "primary"
            elif constraint.kind == "f":
                yield f"to `{constraint.target}`"


def _summary(relations: Sequence[Relation]) -> str:
    rows = [
        f"| `{each.name}` | {_code(each.comment.splitlines()[0])} |" for each in relations if each.comment
    ]
    return "\n".join(["| table | holds |", "|---|---|", *rows])


def _dimensions(relations: Sequence[Relation]) -> dict[str, Relation]:
    """The dimensions of bi by their key, which is their first column and has the same name in every fact."""
    return {each.columns[0].name: each for each in relations if each.short_name.startswith("dim_")}


def _bus_matrix(relations: Sequence[Relation]) -> str:
    dimensions = _dimensions(relations)
    names = [f"`{each.short_name}`" for each in dimensions.values()]
    lines = [f"| fact | {' | '.join(names)} |", "|---|" + ":-:|" * len(names)]
    for fact in relations:
        if fact.short_name.startswith("fact_"):
            columns = {column.name for column in fact.columns}
            marks = ("x" if key in columns else " " for key in dimensions)
            lines.append(f"| `{fact.short_name}` | {' | '.join(marks)} |")
    return "\n".join(lines)


def _star_diagram(relations: Sequence[Relation]) -> str:
    [fact] = [relation for relation in relations if relation.name == STAR]
    own = {column.name for column in fact.columns}
    dimensions = {key: each for key, each in _dimensions(relations).items() if key in own}
    lines = [f"    {each.short_name} ||--o{{ {fact.short_name} : {key}" for key, each in dimensions.items()]
    lines += _entity(fact, dict.fromkeys(dimensions, "FK"))
    for key, each in dimensions.items():
        lines += _entity(each, {key: "PK"})
    return _mermaid(lines)


def _foreign_key_diagram(relations: Sequence[Relation]) -> str:
    lines = [
        f"    {constraint.target.partition('.')[2]} ||--o{{ {each.short_name} : {'_and_'.join(constraint.columns)}"
        for each in relations
        for constraint in each.constraints
        if constraint.target
    ]
    return _mermaid(lines)


def _entity(relation: Relation, keys: dict[str, str]) -> list[str]:
    """The columns of a table of the diagram; of ten level columns the first stands for all."""
    shown = [column for column in relation.columns if not re.fullmatch(r"level_([2-9]|10)", column.name)]
    rows = [
        f"        {column.type.split(' ')[0]} {column.name} {keys.get(column.name, '')}".rstrip()
        for column in shown
    ]
    return [f"    {relation.short_name} {{", *rows, "    }"]


def _mermaid(lines: Sequence[str]) -> str:
    return "\n".join(["```mermaid", "erDiagram", *lines, "```"])


def _note(note: str) -> str:
    match = re.match(r"(Key|Adds up): (.*)", note)
    return f"**{match[1]}**: {_code(match[2])}" if match else _code(note)


def _rule(check: Constraint) -> str:
    """The rule of a check as a person would write it: without casts to text, and `in` for a list."""
    return re.sub(r"= ANY \(ARRAY\[(.*?)\]\)", r"in (\1)", check.definition.replace("::text", ""))


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("\n", "<br>").replace("|", "\\|")


def _code(text: str) -> str:
    """Names of tables, files and columns as code."""
    return re.sub(r"\b((?:bi|mart|ops)\.\w+|(?:docs|include)/[\w/.]+\w|\w+_\w+)\b", r"`\1`", text)


_RELATIONS = """
select
    pg_class.relnamespace::regnamespace || '.' || pg_class.relname as name,
    pg_class.relkind in ('v', 'm') as is_view,
    pg_catalog.obj_description(pg_class.oid, 'pg_class') as comment
from pg_catalog.pg_class
where
    pg_class.relnamespace in ('bi'::regnamespace, 'mart'::regnamespace, 'ops'::regnamespace)
    and pg_class.relkind in ('r', 'p', 'v', 'm') and not pg_class.relispartition
"""
_COLUMNS = """
select
    pg_class.relnamespace::regnamespace || '.' || pg_class.relname as relation,
    pg_attribute.attname as name,
    pg_catalog.format_type(pg_attribute.atttypid, pg_attribute.atttypmod) as type,
    pg_catalog.col_description(pg_class.oid, pg_attribute.attnum) as comment
from pg_catalog.pg_class
inner join pg_catalog.pg_attribute on pg_class.oid = pg_attribute.attrelid
where
    pg_class.relnamespace in ('bi'::regnamespace, 'mart'::regnamespace, 'ops'::regnamespace)
    and pg_attribute.attnum > 0 and not pg_attribute.attisdropped and not pg_class.relispartition
order by pg_attribute.attnum
"""
_CONSTRAINTS = """
select
    pg_class.relnamespace::regnamespace || '.' || pg_class.relname as relation,
    pg_constraint.contype::text as kind,
    (
        select array_agg(pg_attribute.attname::text order by keys.place)
        from unnest(pg_constraint.conkey) with ordinality as keys (attnum, place)
        inner join pg_catalog.pg_attribute
            on pg_attribute.attrelid = pg_class.oid and keys.attnum = pg_attribute.attnum
    ) as columns,
    targets.relnamespace::regnamespace || '.' || targets.relname as target,
    pg_catalog.pg_get_expr(pg_constraint.conbin, pg_class.oid, true) as definition
from pg_catalog.pg_constraint
inner join pg_catalog.pg_class on pg_constraint.conrelid = pg_class.oid
left join pg_catalog.pg_class as targets on pg_constraint.confrelid = targets.oid
where
    pg_class.relnamespace in ('bi'::regnamespace, 'mart'::regnamespace, 'ops'::regnamespace)
    and pg_constraint.contype in ('p', 'u', 'f', 'c')
    and not pg_class.relispartition
    and pg_constraint.conparentid = 0
order by pg_constraint.contype, pg_constraint.conkey
"""
