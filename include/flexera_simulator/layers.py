"""Settings in layers: those at the start, then each change and each profile on top of what was before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flexera_simulator.settings import changed

if TYPE_CHECKING:
    from flexera_simulator.settings import Settings


class Layers:
    """The settings, and how to take a named layer out again."""

    def __init__(self, settings: Settings) -> None:
        self._first = settings
        self._layers: list[tuple[str, dict[str, Any]]] = []
        self.settings = settings

    def change(self, changes: dict[str, Any]) -> None:
        """Change settings for good."""
        settings = self.with_changes(changes)
        if self._layers and not self._layers[-1][0]:
            self._layers[-1][1].update(changes)
        else:
            self._layers.append(("", dict(changes)))
        self.settings = settings

    def add(self, name: str, changes: dict[str, Any]) -> None:
        """Change settings until the layer of this name is removed."""
        self.settings = self.with_changes(changes)
        self._layers.append((name, changes))

    def remove(self, name: str) -> None:
        """Take a layer out; later changes of the same settings stay."""
        self._layers = [layer for layer in self._layers if layer[0] != name]
        settings = self._first
        for _, changes in self._layers:
            settings = changed(settings, changes)
        self.settings = settings

    def with_changes(self, changes: dict[str, Any]) -> Settings:
        """What the settings would be with these changes."""
        return changed(self.settings, changes)
