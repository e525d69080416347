"""The table, the plot and the wanted ratios of the store's benchmark."""

import json
from dataclasses import asdict
from xml.sax.saxutils import escape

MB = 1e6


def medians(bench, median):
    """set → operation → tool → figures."""
    found = {}
    for name, operations in bench.figures.items():
        for operation, by_tool in operations.items():
            for tool, costs in by_tool.items():
                middle = {key: median([asdict(cost)[key] for cost in costs]) for key in ("wall", "cpu", "peak_mib", "written", "grown")}
                middle["fsyncs"] = bench.fsyncs.get((name, operation, tool))
                found.setdefault(name, {}).setdefault(operation, {})[tool] = middle
    return found


def table(found):
    lines = ["| set | operation | tool | wall s | × podgit | CPU s | peak MiB | written MB | store + MB | fsyncs |",
             "|---|---|---|--:|--:|--:|--:|--:|--:|--:|"]
    for name, operations in found.items():
        for operation, by_tool in operations.items():
            ours = by_tool.get("podgit", {}).get("wall")
            for tool, cost in by_tool.items():
                ratio = f"{cost['wall'] / ours:.1f}" if ours else ""
                fsyncs = "" if cost["fsyncs"] is None else cost["fsyncs"]
                lines.append(f"| {name} | {operation} | {tool} | {cost['wall']:.3f} | {ratio} | {cost['cpu']:.3f} | {cost['peak_mib']:.0f} | "
                             f"{cost['written'] / MB:.1f} | {cost['grown'] / MB:.2f} | {fsyncs} |")
    return lines


def goals(found, history):
    """(what, reached, wanted as a text, whether)."""
    def wall(name, operation, tool):
        return found[name][operation][tool]["wall"]

    def peers(name, operation, figure="wall"):
        return {tool: cost[figure] for tool, cost in found[name][operation].items() if tool not in ("podgit", "floor")}

    results = []

    def at_least(what, ratio, wanted):
        results.append((what, f"{ratio:.1f} times", f"at least {wanted:g} times", ratio >= wanted))

    def at_most(what, value, wanted, unit):
        results.append((what, f"{value:.4g} {unit}", f"at most {wanted:.4g} {unit}", value <= wanted))

    for name in ("S", "O", "D"):
        if name in found:
            first = found[name]["first commit"]
            for peer, wanted in (("git", 4), ("restic", 2), ("borg lz4", 1.5)):
                if peer in first:
                    at_least(f"{name}: first commit, {peer} takes", first[peer]["wall"] / first["podgit"]["wall"], wanted)
            at_most(f"{name}: first commit against the floor", first["podgit"]["wall"] / first["floor"]["wall"], 1.5, "times")
    for name, operations in found.items():
        for operation in operations:
            best = min(peers(name, operation).values(), default=None)
            if best is None or "podgit" not in operations[operation]:
                continue
            ours = operations[operation]["podgit"]
            if operation.endswith("pages changed in place"):
                at_least(f"{name}: {operation}, the best peer takes", best / ours["wall"], 5)
                at_most(f"{name}: {operation}, added", ours["grown"] / MB, 30, "MB")
            elif operation.endswith("random keys"):
                at_least(f"{name}: {operation}, the best peer takes", best / ours["wall"], 3)
                at_most(f"{name}: {operation}, added, of what the best peer adds",
                        ours["grown"] / min(grown for grown in peers(name, operation, "grown").values() if grown > 0), 1 / 3, "times")
            elif operation.endswith("one object of each changed"):
                at_most(f"{name}: {operation}, added for each", ours["grown"] / 1000 / 3, 20, "kB")
            elif operation.endswith("files changed"):
                at_least(f"{name}: {operation}, the best peer takes", best / ours["wall"], 1)
            elif operation == "checkout":
                at_least(f"{name}: checkout, the best peer takes", best / ours["wall"], 1)
                at_most(f"{name}: checkout, memory", ours["peak_mib"], 100, "MiB")
    if "W" in found:
        at_least("W: nothing changed, git status takes", wall("W", "commit: nothing changed", "git") / wall("W", "commit: nothing changed", "podgit"), 1)
    if history:
        at_most("H: a commit through the library, mean", history["meanSeconds"] * 1000, 5, "ms")
        at_most("H: first line of a log of 10,000 versions", history["logSeconds"] * 1000, 50, "ms")
        at_most("H: an old one of 10,000 versions found", history["lookupSeconds"] * 1000, 50, "ms")
        at_most("H: the same without the sidecar", history["walkSeconds"] * 1000, 50, "ms")
    if history and "gcBytes" in history:
        at_most("H: stored after gc, of what stock git gc leaves", history["gcBytes"] / history["gitGcBytes"], 1, "times")
    peaks = [by_tool["podgit"]["peak_mib"] for operations in found.values() for by_tool in operations.values() if "podgit" in by_tool]
    if peaks:
        at_most("peak memory of all of it", max(peaks), 256, "MiB")
    return results


def plot(found):
    """Bars of wall time, podgit = 1, on a logarithmic scale; a row for each set and operation."""
    from math import log10

    rows = [(f"{name}: {operation}", by_tool) for name, operations in found.items() for operation, by_tool in operations.items() if "podgit" in by_tool]
    colours = {"git": "#d95f02", "git compression=1": "#fdae6b", "restic": "#7570b3", "borg lz4": "#1b9e77", "zip -1": "#999999", "zip -6": "#666666",
               "floor": "#e7298a"}
    left, width, bar, top = 330, 560, 9, 50
    body, y = [], top
    x_of = lambda ratio: left + (log10(min(max(ratio, 0.1), 1000)) + 1) / 4 * width  # noqa: E731
    for label, by_tool in rows:
        ours = by_tool["podgit"]["wall"]
        body.append(f'<text x="{left - 10}" y="{y + 12}" text-anchor="end">{escape(label)}</text>')
        for tool, cost in by_tool.items():
            if tool == "podgit":
                continue
            ratio = cost["wall"] / ours
            begin, end = sorted((x_of(1), x_of(ratio)))
            body.append(f'<rect x="{begin:.1f}" y="{y}" width="{max(end - begin, 1):.1f}" height="{bar - 2}" fill="{colours[tool]}"/>')
            body.append(f'<text x="{end + 4:.1f}" y="{y + 7}" font-size="8">{ratio:.{1 if ratio >= 1 else 2}f}</text>')
            y += bar
        y += 10
    legend = "".join(f'<rect x="{150 + i * 120}" y="18" width="9" height="9" fill="{colour}"/><text x="{150 + i * 120 + 13}" y="26">{escape(tool)}</text>'
                     for i, (tool, colour) in enumerate(colours.items()))
    lines = "".join(f'<line x1="{x_of(r):.1f}" y1="{top - 6}" x2="{x_of(r):.1f}" y2="{y}" stroke="{"#000" if r == 1 else "#ddd"}"/>'
                    f'<text x="{x_of(r):.1f}" y="{top - 9}" text-anchor="middle">{r:g}</text>' for r in (0.1, 1, 10, 100, 1000))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="1040" height="{y + 20}" font-family="sans-serif" font-size="10">'
            f'<rect width="100%" height="100%" fill="#fff"/><text x="10" y="26">wall time, podgit = 1</text>{legend}{lines}{"".join(body)}</svg>\n')


def write(bench, head, out, median):
    found = medians(bench, median)
    lines = ["# The store beside other tools", "", *(f"- {line}" for line in head)]
    lines += [f"- {name}: {size / MB:.0f} MB, SHA-256 of names and contents begins with {digest}" for name, (size, digest) in bench.sizes.items()]
    lines += ["", *table(found)]
    if bench.history:
        h = bench.history
        lines += ["", f"H: {h['versions']} versions through the library: {h['meanSeconds'] * 1000:.2f} ms a commit (median {h['medianSeconds'] * 1000:.2f}, "
                  f"99 % {h['p99Seconds'] * 1000:.2f}, worst {h['worstSeconds'] * 1000:.1f}), peak {h['peakBytes'] / (1 << 20):.0f} MiB, {h['grown'] / MB:.1f} MB; "
                  + (f"podgit gc {h['gcSeconds']:.1f} s, peak {h['gcPeakMib']:.0f} MiB, leaves {h['gcBytes'] / MB:.2f} MB; " if "gcBytes" in h else "")
                  + f"git gc {h['gitGcSeconds']:.1f} s, "
                  f"leaves {h['gitGcBytes'] / MB:.2f} MB; of 10,000 versions the first line of a log "
                  f"comes after {h['logSeconds'] * 1000:.0f} ms, an old one is found after {h['lookupSeconds'] * 1000:.0f}, without the sidecar after "
                  f"{h['walkSeconds'] * 1000:.0f}; all with the start of the program."]
    lines += ["", "| wanted | measured | goal | |", "|---|--:|--:|---|"]
    lines += [f"| {what} | {value} | {wanted} | {'reached' if reached else '**missed**'} |" for what, value, wanted, reached in goals(found, bench.history)]
    text = "\n".join(lines) + "\n"
    print(text)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "store.md").write_text(text)
        (out / "store.svg").write_text(plot(found))
        (out / "store.json").write_text(json.dumps({"head": head, "found": found, "history": bench.history}, indent=1))
