"""State that lives outside the backends, and what was looked at.

Written as files of their own beside the backends (`<name>.state`, the same encoding):
  organizations/master_accounts   which account is a member of whose organisation (attribute of the BackendDict)
  ec2/endpoint_services           VPC endpoint services, made up at random once a process and region
  securityhub/org_configs         configuration by organisation (class attribute)
  logs/counters                   the numbers of the next log event and stream (class attributes)

Rebuilt after an inject, not written:
  s3 bucket_accounts              bucket name to account: follows from the buckets
  ec2 vpc_refs, backend_refs, vpc_pcx_refs   weak sets of the backends of the process: backends keep their identity

Looked at and left alone:
  awslambda _data_vol_map         counts of Docker volumes that containers of this process use
  ec2 INSTANCE_TYPE_OFFERINGS, kms ALTERNATIVE_ACTIONS, textract BLOCKS and the like   constant data, filled on import
  core.model_instances            every model ever made, for the dashboard; kept right by tracking.py
  stepfunctions TMP_THREADS       threads of this process
  core.config, state_manager, moto_api recorder and seed   settings of the emulator process, not state of the cloud
  lru_cache on sns Subscription.private_key, on cloudformation, rds, emr lookups   derived, or made anew on demand
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pod_agent import services
from pod_agent.errors import Refused

# Account and region of what belongs to none.
NO_ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Outside:
    """One piece: `read` gives plain data or None when there is nothing, `write` replaces it, `clear` empties it."""

    service: str
    name: str
    read: Callable[[], Any]
    write: Callable[[Any], None]
    clear: Callable[[], None]

    @property
    def path(self) -> str:
        return f"api_states/{NO_ACCOUNT}/{self.service}/global/{self.name}.state"


def _loaded(module: str) -> Any:
    return sys.modules.get(module)


def _need(condition: bool, what: str) -> None:
    if not condition:
        raise Refused(f"'{what}' has another shape")


def _is_plain(value: Any, depth: int = 0) -> bool:
    if value is None or type(value) in (str, int, float, bool):
        return True
    if depth > 12:
        return False
    if type(value) is list:
        return all(_is_plain(v, depth + 1) for v in value)
    return type(value) is dict and all(type(k) is str and _is_plain(v, depth + 1) for k, v in value.items())


def _read_members() -> Any:
    backends = services.in_use().get("organizations")
    members = getattr(backends, "master_accounts", None)
    return {k: list(v) for k, v in sorted(members.items())} if members else None


def _write_members(value: Any) -> None:
    good = type(value) is dict and all(
        type(k) is str and type(v) is list and len(v) == 2 and all(type(part) is str for part in v) for k, v in value.items()
    )
    _need(good, "master_accounts")
    members = services.backends_of("organizations").master_accounts  # type: ignore[attr-defined]
    members.clear()
    members.update({k: (v[0], v[1]) for k, v in value.items()})


def _clear_members() -> None:
    backends = services.in_use().get("organizations")
    if backends is not None:
        backends.master_accounts.clear()  # type: ignore[attr-defined]


def _read_endpoints() -> Any:
    vpcs = _loaded("moto.ec2.models.vpcs")
    return dict(vpcs.DEFAULT_VPC_ENDPOINT_SERVICES) if vpcs and vpcs.DEFAULT_VPC_ENDPOINT_SERVICES else None


def _write_endpoints(value: Any) -> None:
    _need(type(value) is dict and _is_plain(value), "endpoint_services")
    _need(all(type(v) is list and all(type(e) is dict for e in v) for v in value.values()), "endpoint_services")
    services.backends_of("ec2")
    known = _loaded("moto.ec2.models.vpcs").DEFAULT_VPC_ENDPOINT_SERVICES
    known.clear()
    known.update(value)


def _clear_endpoints() -> None:
    vpcs = _loaded("moto.ec2.models.vpcs")
    if vpcs:
        vpcs.DEFAULT_VPC_ENDPOINT_SERVICES.clear()


def _security_hub() -> Any:
    module = _loaded("moto.securityhub.models")
    return module.SecurityHubBackend if module else None


def _read_org_configs() -> Any:
    backend = _security_hub()
    return backend._org_configs if backend and backend._org_configs else None


def _write_org_configs(value: Any) -> None:
    _need(type(value) is dict and _is_plain(value), "org_configs")
    services.backends_of("securityhub")
    backend = _security_hub()
    backend._org_configs.clear()
    backend._org_configs.update(value)


def _clear_org_configs() -> None:
    backend = _security_hub()
    if backend:
        backend._org_configs.clear()


def _read_counters() -> Any:
    module = _loaded("moto.logs.models")
    if not module:
        return None
    event, stream = module.LogEvent._event_id, module.LogStream._log_ids
    return {"event": event, "stream": stream} if event or stream else None


def _write_counters(value: Any) -> None:
    """Numbers only rise: an event made here before must not share its number with one made after."""
    good = type(value) is dict and set(value) == {"event", "stream"} and all(type(v) is int and v >= 0 for v in value.values())
    _need(good, "counters")
    services.backends_of("logs")
    module = _loaded("moto.logs.models")
    module.LogEvent._event_id = max(module.LogEvent._event_id, value["event"])
    module.LogStream._log_ids = max(module.LogStream._log_ids, value["stream"])


PIECES: dict[tuple[str, str], Outside] = {
    (piece.service, piece.name): piece
    for piece in (
        Outside("organizations", "master_accounts", _read_members, _write_members, _clear_members),
        Outside("ec2", "endpoint_services", _read_endpoints, _write_endpoints, _clear_endpoints),
        Outside("securityhub", "org_configs", _read_org_configs, _write_org_configs, _clear_org_configs),
        Outside("logs", "counters", _read_counters, _write_counters, lambda: None),
    )
}


def of_service(service: str) -> list[Outside]:
    return [piece for piece in PIECES.values() if piece.service == service]


def rebuild_bucket_map() -> None:
    """S3's bucket names, from the buckets there are."""
    backends = services.in_use().get("s3")
    if backends is None:
        return
    accounts = backends.bucket_accounts  # type: ignore[attr-defined]
    accounts.clear()
    for account, region, backend in services.each_backend(backends):
        for holder in ("buckets", "table_buckets"):
            for name, bucket in list(getattr(backend, holder, {}).items()):
                accounts[name] = (getattr(bucket, "partition", region), account)


def check_bucket_names(found: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Bucket names are one space over all accounts: two owners of one name cannot be loaded."""
    owners: dict[str, tuple[str, str]] = {}
    for (account, region), root in found.items():
        for holder in ("buckets", "table_buckets"):
            for name in root.get(holder) or {}:
                if owners.setdefault(name, (account, region)) != (account, region):
                    raise ValueError(f"two accounts own a bucket '{name}'")
