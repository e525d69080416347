"""Which services the emulator has, under which names, and where their backends are.

A service's name is the one its BackendDict carries; where two share one (moto registers its EC2 Instance Connect as
`ec2` again), the one whose folder bears the name keeps it and the other is called after its folder. Modules are
imported only by the names that stand here or in moto's own list, never by a name from outside.
"""

from __future__ import annotations

import functools
import importlib
import threading
from collections.abc import Iterator

import moto.backends
from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend

# Folders of moto without a backend of their own.
NOT_SERVICES = frozenset(
    "core moto_api moto_proxy moto_server packages utilities s3bucket_path awslambda_simple batch_simple".split()
)

# Names with a hyphen, and names that are not the folder's.
FOLDER_OF = {
    "acm-pca": "acmpca",
    "application-autoscaling": "applicationautoscaling",
    "bedrock-agentcore-control": "bedrockagentcorecontrol",
    "cognito-identity": "cognitoidentity",
    "cognito-idp": "cognitoidp",
    "emr-containers": "emrcontainers",
    "emr-serverless": "emrserverless",
    "iot-data": "iotdata",
    "kinesis-video-archived-media": "kinesisvideoarchivedmedia",
    "lambda": "awslambda",
    "lexv2-models": "lexv2models",
    "mediastore-data": "mediastoredata",
    "network-firewall": "networkfirewall",
    "rds-data": "rdsdata",
    "resource-groups": "resourcegroups",
    "sagemaker-metrics": "sagemakermetrics",
    "sagemaker-runtime": "sagemakerruntime",
    "service-quotas": "servicequotas",
    "servicecatalog-appregistry": "servicecatalogappregistry",
    "sso-admin": "ssoadmin",
    "timestream-influxdb": "timestreaminfluxdb",
    "timestream-query": "timestreamquery",
    "timestream-write": "timestreamwrite",
    "vpc-lattice": "vpclattice",
    "workspaces-web": "workspacesweb",
}
NAME_OF = {folder: name for name, folder in FOLDER_OF.items()}

# Second implementations that a configuration puts in the place of the first: module and attribute.
ALTERNATIVES = {
    "batch_simple": ("moto.batch_simple.models", "batch_simple_backends"),
    "lambda_simple": ("moto.awslambda_simple.models", "lambda_simple_backends"),
    "stepfunctions_parser": ("moto.stepfunctions.parser.models", "stepfunctions_parser_backends"),
}

_lock = threading.Lock()
_known: dict[str, BackendDict] = {}
_name_by_id: dict[int, str] = {}


@functools.cache
def names() -> tuple[str, ...]:
    """Every service's name, sorted. Imports nothing."""
    folders = [f for f in moto.backends.list_of_moto_modules() if f not in NOT_SERVICES]
    return tuple(sorted([NAME_OF.get(f, f) for f in folders] + list(ALTERNATIVES)))


def canonical(name: str) -> str | None:
    """The service's own name for what a caller wrote (`cognitoidp`, `Lambda`), or None."""
    wanted = name.strip().lower()
    if wanted in names():
        return wanted
    folded = wanted.replace("-", "")
    for known in names():
        if known.replace("-", "") == folded or FOLDER_OF.get(known) == folded:
            return known
    return None


def folder_of(name: str) -> str:
    """The moto folder of a service; an alternative's is the one its module lies in."""
    if name in ALTERNATIVES:
        return ALTERNATIVES[name][0].split(".")[1]
    return FOLDER_OF.get(name, name)


def module_of(name: str) -> str:
    return ALTERNATIVES[name][0] if name in ALTERNATIVES else f"moto.{folder_of(name)}.models"


def backends_of(name: str) -> BackendDict:
    """The BackendDict of a service; imports its module. KeyError for a name that is not in `names()`."""
    with _lock:
        found = _known.get(name)
        if found is None:
            if name not in names():
                raise KeyError(name)
            if name in ALTERNATIVES:
                module, attribute = ALTERNATIVES[name]
                found = getattr(importlib.import_module(module), attribute)
            else:
                found = moto.backends.get_backend(folder_of(name))  # type: ignore[call-overload]
            _known[name] = found
            _name_by_id[id(found)] = name
        return found


def name_of(backends: BackendDict) -> str | None:
    """The service that a BackendDict belongs to."""
    found = _name_by_id.get(id(backends))
    if found is None:
        module = backends.backend.__module__
        for name, (alternative, _) in ALTERNATIVES.items():
            if module == alternative:
                found = name
        if found is None:
            folder = module.split(".")[1]
            found = NAME_OF.get(folder, folder)
        if found not in names() or backends_of(found) is not backends:
            return None
    return found


def service_of_class(cls: type) -> str | None:
    """The service that instances of a moto class belong to, or None for moto's common parts."""
    module = cls.__module__
    if not module.startswith("moto."):
        return None
    if module.startswith("moto.stepfunctions.parser."):
        return "stepfunctions_parser"
    folder = module.split(".")[1]
    if folder == "awslambda_simple":
        return "lambda_simple"
    if folder == "batch_simple":
        return "batch_simple"
    if folder in NOT_SERVICES:
        return None
    return NAME_OF.get(folder, folder)


def service_of_backend(backend: BaseBackend) -> str | None:
    """By the BackendDict that made it; the class's package says which that is."""
    return service_of_class(type(backend))


def in_use() -> dict[str, BackendDict]:
    """Services that hold at least one account, by name. Services nobody asked for are not imported."""
    found: dict[str, BackendDict] = {}
    for backends in list(BackendDict._instances):
        name = name_of(backends)
        if name is not None:
            found[name] = backends
    return dict(sorted(found.items()))


def each_backend(backends: BackendDict) -> Iterator[tuple[str, str, BaseBackend]]:
    """Account, region as moto keys it, backend; sorted, and without creating anything."""
    for account in sorted(dict.keys(backends)):
        regions: AccountSpecificBackend = dict.__getitem__(backends, account)
        for region in sorted(dict.keys(regions)):
            yield account, region, dict.__getitem__(regions, region)


def live(service: str, account: str, region: str) -> BaseBackend | None:
    """The backend that is there, or None; creates nothing."""
    backends = backends_of(service)
    regions = dict.get(backends, account)
    return None if regions is None else dict.get(regions, region)


def remove(service: str, account: str, region: str) -> None:
    backends = backends_of(service)
    regions = dict.get(backends, account)
    if regions is not None:
        dict.pop(regions, region, None)


def region_in_path(region: str) -> str:
    """The folder of a region: partition `aws` of global services stands as `global`."""
    return "global" if region == "aws" else region


def region_in_moto(region: str) -> str:
    return "aws" if region == "global" else region
