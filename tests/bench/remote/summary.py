"""The table and the wanted figures of the remotes' benchmark."""

import json
from dataclasses import asdict

MB = 1e6


def medians(bench, median):
    """(set, place, operation) → tool → figures."""
    found = {}
    for row, by_tool in bench.costs.items():
        for tool, costs in by_tool.items():
            middle = {key: median([asdict(cost)[key] for cost in costs]) for key in ("wall", "cpu", "written")}
            middle["peak_mib"] = max(cost.peak_mib for cost in costs)
            middle["requests"] = bench.requests.get((*row, tool))
            found.setdefault(row, {})[tool] = middle
    return found


def table(found):
    lines = ["| set | place | operation | tool | wall s | × podgit | CPU s | peak MiB | written MB | requests |", "|---|---|---|---|--:|--:|--:|--:|--:|--:|"]
    for (name, place, operation), by_tool in found.items():
        for tool, cost in by_tool.items():
            beside = by_tool.get("podgit +files" if tool in ("restic", "borg") else "podgit")
            ratio = f"{cost['wall'] / beside['wall']:.2f}" if beside and not tool.startswith("podgit") else ""
            requests = "" if cost["requests"] is None else cost["requests"]
            lines.append(f"| {name} | {place} | {operation} | {tool} | {cost['wall']:.3f} | {ratio} | {cost['cpu']:.3f} | {cost['peak_mib']:.0f} | "
                         f"{cost['written'] / MB:.1f} | {requests} |")
    return lines


def goals(found):
    """(what, reached, wanted as a text, whether)."""
    results = []
    peaks = [cost["peak_mib"] for by_tool in found.values() for tool, cost in by_tool.items() if tool.startswith("podgit")]
    results.append(("peak memory of all of it", f"{max(peaks):.0f} MiB", "under 256 MiB", max(peaks) < 256))
    for (name, place, operation), by_tool in found.items():
        ours = by_tool.get("podgit")
        if not ours:
            continue
        if ours["requests"] is not None:
            for what, most in (("pull of nothing", 1), ("push of nothing", 1)) + ((("push of a change", 5),) if name == "S" else ()):
                if operation == what:
                    results.append((f"{name}, {place}: {operation}", f"{ours['requests']} requests", f"at most {most}", ours["requests"] <= most))
        for peer in ("git", "curl"):
            if peer in by_tool and operation in ("push", "clone"):
                wanted = 1 if peer == "git" else 1.5
                ratio = ours["wall"] / by_tool[peer]["wall"]
                results.append((f"{name}, {place}: {operation} beside {peer}", f"{ratio:.2f} times its time", f"at most {wanted:g} times", ratio <= wanted))
        for peer in ("restic", "borg"):
            files = by_tool.get("podgit +files")
            if peer in by_tool and files and operation in ("push", "clone"):
                ratio = files["wall"] / by_tool[peer]["wall"]
                results.append((f"{name}, {place}: {operation} with files beside {peer}", f"{ratio:.2f} times its time", "at most once", ratio <= 1))
    return results


def write(bench, head, out, median):
    found = medians(bench, median)
    lines = ["# Remotes beside other tools", "", *(f"- {line}" for line in head)]
    lines += [f"- {name}: {size / MB:.0f} MB, SHA-256 of names and contents begins with {digest}" for name, (size, digest) in bench.sizes.items()]
    lines += ["", "The ratio is to `podgit`, of restic and borg to `podgit +files`: above one, the other takes longer.", "", *table(found)]
    lines += ["", "| wanted | measured | goal | |", "|---|--:|--:|---|"]
    lines += [f"| {what} | {value} | {wanted} | {'reached' if reached else '**missed**'} |" for what, value, wanted, reached in goals(found)]
    text = "\n".join(lines) + "\n"
    print(text)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "remote.md").write_text(text)
        rows = [{"set": row[0], "place": row[1], "operation": row[2], "tools": by_tool} for row, by_tool in found.items()]
        (out / "remote.json").write_text(json.dumps({"head": head, "rows": rows}, indent=1))
