"""For plugins of pytest that run tests which others wrote: stands for modules that those tests import, and are not here."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import types

import pytest


class Nothing(types.ModuleType):
    """Stands for any module, and for whatever is taken from it; who calls it leaves the test out."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return importlib.import_module(f"{self.__name__}.{name}")

    def __call__(self, *_, **__):
        pytest.skip(f"reaches into {self.__name__.split('.')[0]} itself", allow_module_level=True)

    # As a base of classes and in annotations it is no more than a name.
    def __mro_entries__(self, _):
        return ()

    def __getitem__(self, _):
        return self

    def __or__(self, _):
        return self

    __ror__ = __or__


class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the packages `roots` and all modules of them, whether or not they are in the path.

    `known` has what is to be found in a module: {module: {name: value}}; `real` are modules that are taken as they are, from
    below the directory `source`."""

    def __init__(self, roots, known, real=(), source=None):
        self._roots, self._known, self._real, self._source = roots, known, real, source

    def find_spec(self, name, path, target=None):
        if not any(f"{name}.".startswith(f"{root}.") for root in self._roots):
            return None
        if name not in self._real:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        file = self._source.joinpath(*name.split("."))
        return importlib.util.spec_from_file_location(name, file / "__init__.py" if file.is_dir() else file.with_suffix(".py"))

    def create_module(self, spec):
        return Nothing(spec.name)

    def exec_module(self, module):
        vars(module).update(self._known.get(module.__name__, {}))
