"""The checker behind shape annotations in tests: beartype, with int accepted where float stands."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
