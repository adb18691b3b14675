"""Numbers as other languages and programs write them, and what a file should say instead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from sim.scenario.document import THOUSANDS, Node, scalar_value
from sim.scenario.tables import is_large
from sim.schema.errors import visible


def misread(node: Node, unit: str) -> tuple[str, str] | None:
    """Say how people or money with a point between thousands are read, and what to write.

    Args:
        node: a value as the file states it.
        unit: of the key that it is the value of.

    Returns:
        A message that begins with `{}` for the address, and a hint; None where all is well.
    """
    if not isinstance(node.value, float) or THOUSANDS.fullmatch(node.text) is None:
        return None
    if not is_large(unit):
        return None
    hint = f"write {node.text.replace('.', '')} or {node.value:g}: a point stands before decimals"
    return f"{{}} = {node.text} is read as {node.value:g}", hint


def number_hint(text: str, node: Node, bounds: Mapping[str, float]) -> str:
    """Return what to write for a text that is no number; empty where nobody can know.

    Args:
        text: as written, stripped.
        node: the value.
        bounds: `ge`, `gt`, `le`, `lt`, as `Field.bounds` has them.
    """
    if THOUSANDS.fullmatch(text) and not node.origin.quotes:
        return f"write {text.replace('.', '')} or {float(text):g}: a point stands before decimals"
    value = scalar_value(text)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not isinstance(node.value, str):
            return ""
        return "remove the quotes" if node.origin.quotes else f"write {value:.15g}"
    usual = _usual_number(text)
    percent = re.fullmatch(r"([-+\d.]+) ?%", usual)
    if percent is not None and bounds.get("le") == 1:
        value = scalar_value(percent[1])
        return f"for {text} write {value / 100:g}" if isinstance(value, (int, float)) else ""
    value = scalar_value(usual)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not usual.isdecimal() or not text.isascii():
            return f"write {usual}, with the digits 0 to 9 and a decimal point"
        return f"write {usual}, without separators (or with _)"
    return "write the number alone, for instance 9000 or 0.25" if re.search(r"\d", text) else ""


def _usual_number(text: str) -> str:
    """Return a number as YAML has it that was written as in another language or a text program."""
    text = "".join(str(unicodedata.digit(it)) if it.isdecimal() else it for it in visible(text))
    text = text.translate({0x2212: "-", 0x2013: "-", 0xFF0E: ".", 0x066B: ".", 0x066C: None})
    text = text.replace("\u066a", "%").replace("\uff05", "%")
    if re.fullmatch(r"[-+]?(\d{1,3}(\.\d{3})+|0|\d+(?=,(\d{1,2}|\d{4,})\b)|(?=,)),\d+( ?%)?", text):
        return text.replace(".", "").replace(",", ".")
    if re.fullmatch(r"[-+]?[1-9]\d{0,2}(\.\d{3})+", text):
        return text.replace(".", "")
    return re.sub(r"(?<=\d)[ ,'\u2019\u00a0\u202f\u2009](?=\d{3})", "", text)


def split_hint(node: Node) -> str | None:
    """Hint at decimal commas, which make two whole numbers of one: `[0,6, 0,4]`."""
    if node.kind != "list" or len(node.value) < 3:
        return None
    whole = all(it.kind == "scalar" and it.text.isdecimal() for it in node.value)
    return "write decimals with a point: 0.5, not 0,5" if whole else None
