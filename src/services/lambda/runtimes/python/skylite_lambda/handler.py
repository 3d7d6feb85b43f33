"""Finding the function that "folder/module.function" names."""

import importlib
import sys

from .errors import Fault


def _import(module):
    if module.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", f"Cannot use built-in module {module} as a handler module")
    try:
        return importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        raise Fault("ImportModuleError", f"Unable to import module '{module}': {error}")
    except SyntaxError as error:
        place = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise Fault("UserCodeSyntaxError", f"Syntax error in module '{module}': {error}", [place])


def load(name):
    try:
        module, function = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("MalformedHandlerName", f"Bad handler '{name}': {error}")
    try:
        return getattr(_import(module), function)
    except AttributeError:
        raise Fault("HandlerNotFound", f"Handler '{function}' missing on module '{module}'")
