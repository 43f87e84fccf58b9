"""Page 08, section 5: winners, heads and labels as a function of the records that are held."""
import tries
from acceptance import CHECKPOINT, HEADER, RECEIPT, REVOCATION, SUCCESSION
from records import HOST, home_zone

TOLERANCE_MS = 600_000
MAX_VERSION = 2**40
BASE = 1


class Evaluation:
    """Computed once from a `Tree`; a change of the tree needs a new one."""

    def __init__(self, tree):
        self.tree = tree
        by_type = {}
        for record in tree.held.values():
            by_type.setdefault(record["type"], []).append(record)
        self.successions = by_type.get(SUCCESSION, [])
        self.revocations = by_type.get(REVOCATION, [])
        self.receipts = by_type.get(RECEIPT, [])
        self.checkpoints = {r["id"]: r for r in by_type.get(CHECKPOINT, [])}
        self.headers = {r["id"]: r for r in by_type.get(HEADER, [])}
        self.blocks = {}
        for header in self.headers.values():
            self.blocks.setdefault(header["body"]["block"], []).append(header)
        self.succession_line = self._succession_line() if tree.id in tree.held else []
        self.manifests = {one: tree.manifest(record) for one, record in self.checkpoints.items()}
        self._valid = {}
        self.anchors = self._anchors()

    # Successions and revocations

    def _succession_line(self):
        line = [self.tree.held[self.tree.id]]
        while True:
            next_ones = [s for s in self.successions if s["body"]["prev"] == line[-1]["id"]]
            if not next_ones:
                return line
            line.append(min(next_ones, key=lambda s: s["id"]))

    def _after(self, made_root):
        """The successions of the line after the root that this record makes."""
        ids = [record["id"] for record in self.succession_line]
        while made_root["id"] not in ids:
            made_root = self.tree.held[made_root["body"]["prev"]]
        return self.succession_line[ids.index(made_root["id"]) + 1 :]

    def _successions_after(self, principal, generation=None):
        made = [
            r for r in self.tree.roots_of(principal)
            if generation is None or r["body"].get("generation", 0) == generation
        ]
        return min((self._after(record) for record in made), key=len)

    def _chain(self, record):
        cap = record["body"]["cap"]
        return [] if cap is None else self.tree.chain(cap)

    def governing(self, record):
        """The records whose cuts must hold for this one; none when its chain is not hit."""
        chain = self._chain(record)
        links = [cap["id"] for cap in chain]
        if chain:
            after = self._successions_after(chain[-1]["signer"], chain[-1]["body"]["rootGeneration"])
        else:
            after = self._successions_after(record["signer"])
        hitting = [s for s in after if not set(s["body"]["keepCaps"]) & set(links)]
        by_root, below = [], {}
        for revocation in self.revocations:
            body = revocation["body"]
            if body["target"] not in links:
                continue
            if body["by"] is None:
                if self._root_revocation_counts(revocation, after, links):
                    by_root.append(revocation)
            else:
                below.setdefault(links.index(body["by"]), []).append(revocation)
        if hitting or by_root:
            return hitting + by_root
        return below[max(below)] if below else []

    def _root_revocation_counts(self, revocation, after_chain, links):
        after = self._successions_after(revocation["signer"])
        if len(after) > len(after_chain):
            return False
        kept_by = set(links[links.index(revocation["body"]["target"]) :])
        return not any(kept_by & set(s["body"]["keepCaps"]) for s in after)

    # Cuts

    def _in_cut(self, record, governing):
        is_header = record["type"] == HEADER
        zone = home_zone(record["body"]["birthBytes"]) if is_header else record["body"]["zone"]
        named = next((cut["checkpoint"] for cut in governing["body"]["cuts"] if cut["zone"] == zone), None)
        checkpoint = self.checkpoints.get(named)
        if checkpoint is None or checkpoint["body"]["zone"] != zone:
            return False
        if not is_header:
            return record["id"] in self.checkpoint_ancestry(named)
        entries = [
            head["id"] for row in self.manifests[named] or [] if row["block"] == record["body"]["block"] for head in row["heads"]
        ]
        return record["id"] in entries or any(record["id"] in self.ancestors(entry) for entry in entries)

    def checkpoint_ancestry(self, identifier):
        """The checkpoint and its held ancestors."""
        found, todo = set(), [identifier]
        while todo:
            one = todo.pop()
            if one in self.checkpoints and one not in found:
                found.add(one)
                todo += self.checkpoints[one]["body"]["prev"]
        return found

    def prev_of(self, header):
        """Held headers of the same block among prev."""
        held = (self.headers.get(one) for one in header["body"]["prev"])
        return [one for one in held if one is not None and one["body"]["block"] == header["body"]["block"]]

    def ancestors(self, identifier):
        """Over held headers of the block, the header itself left out."""
        found, todo = set(), [identifier]
        while todo:
            header = self.headers.get(todo.pop())
            for before in self.prev_of(header) if header else []:
                if before["id"] not in found:
                    found.add(before["id"])
                    todo.append(before["id"])
        return found

    # Validity

    def _inside(self, time, cap):
        early = cap["notBefore"] is not None and time < cap["notBefore"] - TOLERANCE_MS
        late = cap["notAfter"] is not None and time > cap["notAfter"] + TOLERANCE_MS
        return not early and not late

    def valid(self, record):
        if record["id"] not in self._valid:
            self._valid[record["id"]] = self._is_valid(record)
        return self._valid[record["id"]]

    def _is_valid(self, record):
        if not all(self._in_cut(record, one) for one in self.governing(record)):
            return False
        if record["body"]["cap"] is None:
            return True
        leaf = self._chain(record)[0]["body"]
        if leaf["notBefore"] is None and leaf["notAfter"] is None:
            return True
        return any(self._receipt_counts(receipt, record, leaf) for receipt in self.receipts)

    def _receipt_counts(self, receipt, record, leaf):
        body = receipt["body"]
        zone = home_zone(record["body"]["birthBytes"]) if record["type"] == HEADER else record["body"]["zone"]
        if record["id"] not in body["records"] or body["zone"] != zone or not self._inside(body["timeMs"], leaf):
            return False
        if body["cap"] is not None:
            own = self._chain(receipt)[0]["body"]
            if not own["rights"] & HOST or not self._inside(body["timeMs"], own):
                return False
        return all(self._in_cut(record, one) for one in self.governing(receipt))

    # Anchors

    def _complete(self, checkpoint):
        for one in self.checkpoint_ancestry(checkpoint["id"]):
            if any(before not in self.checkpoints for before in self.checkpoints[one]["body"]["prev"]):
                return False
        rows, body = self.manifests[checkpoint["id"]], checkpoint["body"]
        if rows is None:
            return False
        listed, graves = [r for r in rows if r["heads"]], [r["block"] for r in rows if not r["heads"]]
        if len(listed) != body["blocks"] or tries.heads_root(listed) != body["headsRoot"]:
            return False
        if len(graves) != body["graves"] or tries.id_set_root(graves) != body["graveRoot"]:
            return False
        return all(self._entry_held(head["id"], row["block"], body["zone"]) for row in rows for head in row["heads"])

    def _entry_held(self, identifier, block, zone):
        header = self.headers.get(identifier)
        return header is not None and header["body"]["block"] == block and home_zone(header["body"]["birthBytes"]) == zone

    def _anchors(self):
        """Zone id → record ids of its anchors."""
        good = [c for c in self.checkpoints.values() if self.valid(c) and self._complete(c)]
        below = set()
        for checkpoint in good:
            below |= self.checkpoint_ancestry(checkpoint["id"]) - {checkpoint["id"]}
        anchors = {}
        for checkpoint in good:
            if checkpoint["id"] not in below:
                anchors.setdefault(checkpoint["body"]["zone"], set()).add(checkpoint["id"])
        return anchors

    def anchor_rows(self, block, zone):
        return [
            row for one in self.anchors.get(zone, ()) for row in self.manifests[one] if row["block"] == block and row["heads"]
        ]

    def buried(self, block, zone):
        return any(
            row["block"] == block and not row["heads"] for one in self.anchors.get(zone, ()) for row in self.manifests[one]
        )

    def bases(self, zone):
        """Common ancestors of the anchors that one of them, or a checkpoint that it follows, names as base (8.10)."""
        lines = [self.checkpoint_ancestry(one) for one in self.anchors.get(zone, ())]
        if not lines:
            return set()
        below = set.intersection(*(line - {one} for line, one in zip(lines, self.anchors[zone])))
        extensions = [e for line in lines for one in line for e in self.checkpoints[one]["body"]["ext"]]
        return below & {e["bytes"] for e in extensions if e["code"] == BASE}

    def base_entries(self, block, zone):
        rows = (row for one in self.bases(zone) for row in self.manifests[one] or [])
        return {head["id"] for row in rows if row["block"] == block for head in row["heads"]}

    def anchored_directories(self, block):
        """The directories in which an anchor lists a live version of the block."""
        zone = home_zone(self.blocks[block][0]["body"]["birthBytes"])
        entries = (self.headers[head["id"]]["body"] for row in self.anchor_rows(block, zone) for head in row["heads"])
        return {entry["parent"] for entry in entries if entry["state"] == 0}

    # Line, heads, labels

    def line(self, block):
        """Record id → effective version, of the headers in line."""
        headers = self.blocks[block]
        rows = self.anchor_rows(block, home_zone(headers[0]["body"]["birthBytes"]))
        line = {}
        for row in rows:
            for head in row["heads"]:
                line[head["id"]] = max(head["version"], line.get(head["id"], 0))
        todo = [h for h in headers if h["id"] not in line]
        if not rows:
            line = {h["id"]: 1 for h in todo if not h["body"]["prev"]}
        fixed = set(line)
        changed = True
        while changed:
            changed = False
            for header in headers:
                if header["id"] in fixed:
                    continue
                before = [p for p in self.prev_of(header) if p["id"] in line]
                if not before or not self._stays(header, before):
                    continue
                version = min(MAX_VERSION, 1 + max(line[p["id"]] for p in before))
                if line.get(header["id"]) != version:
                    line[header["id"]] = version
                    changed = True
        return line

    def _stays(self, header, before):
        """Under a cap for one block, parent and state are those of one prev in line."""
        chain = self._chain(header)
        if not chain or chain[0]["body"]["scopeType"] == 0:
            return True
        own = header["body"]
        return any((p["body"]["parent"], p["body"]["state"]) == (own["parent"], own["state"]) for p in before)

    def judge(self, block):
        """{winner, heads (best first, with versions), quarantine, adopted, late, pending, uncounted, lostToRevocation, selfFork}"""
        headers, line = self.blocks[block], self.line(block)
        zone = home_zone(headers[0]["body"]["birthBytes"])
        buried = self.buried(block, zone)
        candidates = [] if buried else [h for h in headers if h["id"] in line and self.valid(h)]
        below = set()
        for candidate in candidates:
            below |= self._line_ancestors(candidate, line)
        heads = sorted(
            (h for h in candidates if h["id"] not in below),
            key=lambda h: (h["body"]["state"], -line[h["id"]], h["id"]),
        )
        counted, used = [], {}
        for head in heads:
            source = head["body"]["cap"] or head["signer"]
            used[source] = used.get(source, 0) + 1
            if used[source] <= 4 and len(counted) < 64:
                counted.append(head)
        uncounted = [head["id"] for head in heads if head not in counted]
        labels = self._labels(headers, {} if buried else line, candidates, buried, self.base_entries(block, zone))
        signers = [head["signer"] for head in counted]
        anchored = [] if buried else self.anchor_rows(block, zone)
        return {
            "winner": counted[0]["id"] if counted else None,
            "heads": [(head["id"], line[head["id"]]) for head in counted],
            **labels,
            "uncounted": sorted(uncounted),
            "lostToRevocation": bool(anchored) and not candidates,
            "selfFork": len(set(signers)) < len(signers),
        }

    def _line_ancestors(self, header, line):
        found, todo = set(), [header]
        while todo:
            for before in self.prev_of(todo.pop()):
                if before["id"] in line and before["id"] not in found:
                    found.add(before["id"])
                    todo.append(before)
        return found

    def _labels(self, headers, line, candidates, buried, ends):
        labels = {"quarantine": [], "adopted": [], "late": [], "pending": []}
        below_valid = set().union(*(self.ancestors(h["id"]) for h in headers if self.valid(h)))
        below_candidate = set().union(*(self.ancestors(h["id"]) for h in candidates))
        removed = [h["id"] for h in headers if buried and h["body"]["state"] == 1]
        settled = set(removed).union(*(self.ancestors(one) for one in removed))
        for header in headers:
            one = header["id"]
            if not self.valid(header):
                labels["adopted" if one in below_valid else "quarantine"].append(one)
            elif one not in line and one not in below_candidate and one not in settled:
                labels["pending" if self._misses_ancestor(header, ends) else "late"].append(one)
        return {name: sorted(ids) for name, ids in labels.items()}

    def _misses_ancestor(self, header, ends):
        """A prev is missing when no header of the block under this id is held, and what names it is no entry of a base."""
        known, todo = set(), [header]
        while todo:
            one = todo.pop()
            if one["id"] in known or one["id"] in ends:
                continue
            known.add(one["id"])
            if len(self.prev_of(one)) < len(one["body"]["prev"]):
                return True
            todo += self.prev_of(one)
        return False
