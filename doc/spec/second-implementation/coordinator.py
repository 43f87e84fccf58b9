"""Page 29: messages of members, questions to the leader, commands and what they come to."""
from encoding import array, binary, boolean, decode, encode, need, text, u53, unsigned

DONE, QUEUED, HELD, ENDED, FULL = range(5)
COST = {"session": 48, "result": 24, "lock": 64, "waiter": 32, "sequence": 24}
STATE_MOST = 256 * 1024

member = text(128)
ttl = unsigned(1000, 3_600_000)
result = (unsigned(0, 4), u53)


def name(value):
    need(text(128)(value) != "", "an empty name")
    return value


def nil(value):
    need(value is None, "not nil")


def fields(value, layout):
    """A list with exactly these fields; a tuple is a list of its own, a one-element list one of any length."""
    need(isinstance(value, list) and len(value) == len(layout), f"{value!r}: not {len(layout)} fields")
    return [fields(part, one) if isinstance(one, tuple) else one(part) for part, one in zip(value, layout)]


def many(layout, most=2**32 - 1):
    return array(lambda value: fields(value, layout), 0, most)


COMMANDS = {
    1: (member, u53), 2: (u53, u53, u53, name, ttl, boolean), 3: (u53, name, u53), 4: (u53, name, u53), 5: (u53, name, u53),
    6: (name, u53, u53), 7: (name, u53), 8: (u53, u53, u53, name, unsigned(1, 1_000_000)), 9: (u53,),
}


def coded(value, layouts):
    need(isinstance(value, list) and value and isinstance(value[0], int) and value[0] in layouts, "no such code")
    return [value[0], *fields(value[1:], layouts[value[0]])]


def read_command(data):
    return coded(decode(data), COMMANDS)


# Sections 2 and 3

def membership(value):
    voters, learners = fields(value, (array(member, 0, 7), array(member, 0, 64)))
    need(len({*voters, *learners}) == len(voters) + len(learners), "a member twice")
    return [voters, learners]


def entry(value):
    need(isinstance(value, list) and len(value) == 4, "no entry")
    contents = {0: nil, 1: binary(1, 1024), 2: membership}
    kind = unsigned(0, 2)(value[2])
    return fields(value, (u53, u53, u53, contents[kind]))


MESSAGES = {
    1: (u53, boolean, boolean, u53, u53), 2: (u53, boolean, boolean), 3: (u53, u53, u53, u53, u53, array(entry, 0, 256)),
    4: (u53, u53, boolean, u53), 5: (u53, u53, u53, u53, membership, binary(0, 2 * STATE_MOST)), 6: (u53,),
}


def read_message(data):
    value = decode(data)
    need(isinstance(value, list) and value and value[0] == 1 and value[0] is not True, "another format")
    message = coded(value[1:], MESSAGES)
    if message[0] == 3:
        indexes = [one[0] for one in message[6]]
        need(indexes == [message[3] + 1 + at for at in range(len(indexes))], "a gap")
    return message


# Section 6

def read_question(data):
    kinds = {1: (binary(1, 1024),), 2: (nil,), 3: (name,), 4: (name,)}
    value = decode(data)
    need(isinstance(value, list) and len(value) == 3 and value[0] == 1, "another format")
    return coded(value[1:], kinds)


def read_answer(data):
    value = decode(data)
    need(isinstance(value, list) and len(value) == 4 and value[0] == 1, "another format")
    code = unsigned(0, 3)(value[1])
    if code == 0:
        return fields(value[2:], (u53, result))
    if code > 1:
        return fields(value[2:], (nil, nil))
    return fields(value[2:], (lambda leader: None if leader is None else member(leader), nil))


# Sections 4 and 5

class State:
    def __init__(self):
        self.sessions, self.locks, self.sequences = {}, {}, {}

    def size(self):
        """Of a name, its UTF-16 units."""
        def units(written):
            return len(written.encode("utf-16-le")) // 2
        sessions = sum(COST["session"] + units(s["member"]) + COST["result"] * len(s["results"]) for s in self.sessions.values())
        locks = sum(COST["lock"] + units(n) + COST["waiter"] * len(one["waiters"]) for n, one in self.locks.items())
        return sessions + locks + sum(COST["sequence"] + units(n) for n in self.sequences)

    def has_room(self, part, written=""):
        return self.size() + COST[part] + len(written.encode("utf-16-le")) // 2 <= STATE_MOST

    def apply(self, index, command):
        code, *given = command
        kinds = (self.open, self.acquire, self.renew, self.release, self.cancel, self.expire, self.break_, self.sequence, self.close)
        return kinds[code - 1](index, *given)

    def open(self, index, who, nonce):
        for number, session in self.sessions.items():
            if (session["member"], session["nonce"]) == (who, nonce):
                return [DONE, number]
        for number in [n for n, session in self.sessions.items() if session["member"] == who]:
            self.close(index, number)
        if not self.has_room("session", who):
            return [FULL, 0]
        self.sessions[index] = {"member": who, "nonce": nonce, "floor": 0, "results": {}}
        return [DONE, index]

    def once(self, number, request, floor, run):
        session = self.sessions.get(number)
        if session is None or request < session["floor"]:
            return [ENDED, 0]
        session["floor"] = max(session["floor"], min(floor, request))
        results = session["results"]
        for old in [one for one in results if one < session["floor"]]:
            del results[old]
        if request not in results:
            if len(results) >= 1024 or not self.has_room("result"):
                return [FULL, 0]
            results[request] = run()
        return results[request]

    def acquire(self, index, number, request, floor, lock_name, ttl_ms, queue):
        def run():
            lock = self.locks.get(lock_name)
            if lock is None:
                if not self.has_room("lock", lock_name):
                    return [FULL, 0]
                self.locks[lock_name] = held_by(index, [number, request, ttl_ms], [])
                return [DONE, index]
            if not queue:
                return [HELD, 0]
            if len(lock["waiters"]) >= 256 or not self.has_room("waiter"):
                return [FULL, 0]
            lock["waiters"].append([number, request, ttl_ms])
            return [QUEUED, 0]
        return self.once(number, request, floor, run)

    def owned(self, number, lock_name, token):
        lock = self.locks.get(lock_name)
        return lock if lock and (lock["token"], lock["holder"][0]) == (token, number) else None

    def renew(self, _index, number, lock_name, token):
        lock = self.owned(number, lock_name, token)
        if lock is None:
            return [ENDED, 0]
        lock["renewals"] += 1
        return [DONE, token]

    def release(self, index, number, lock_name, token):
        return self.free(index, lock_name) if self.owned(number, lock_name, token) else [ENDED, 0]

    def cancel(self, index, number, lock_name, request):
        lock = self.locks.get(lock_name)
        if lock and lock["holder"][:2] == [number, request]:
            return self.free(index, lock_name)
        return self.leave(lock_name, lambda waiter: waiter[:2] == [number, request])

    def leave(self, lock_name, leaves):
        waiters = self.locks.get(lock_name, {"waiters": []})["waiters"]
        staying = [one for one in waiters if not leaves(one)]
        if len(staying) == len(waiters):
            return [ENDED, 0]
        self.locks[lock_name]["waiters"] = staying
        return [DONE, 0]

    def expire(self, index, lock_name, token, renewals):
        lock = self.locks.get(lock_name)
        seen = lock and (lock["token"], lock["renewals"]) == (token, renewals)
        return self.free(index, lock_name) if seen else [ENDED, 0]

    def break_(self, index, lock_name, token):
        lock = self.locks.get(lock_name)
        return self.free(index, lock_name) if lock and lock["token"] == token else [ENDED, 0]

    def sequence(self, _index, number, request, floor, of, count):
        def run():
            if of not in self.sequences and not self.has_room("sequence", of):
                return [FULL, 0]
            last = self.sequences.get(of, self.sequences.get("", 0))
            if last + count > 2**53 - 1:
                return [FULL, 0]
            self.sequences[of] = last + count
            return [DONE, last + 1]
        return self.once(number, request, floor, run)

    def close(self, index, number):
        if number not in self.sessions:
            return [ENDED, 0]
        for lock_name in self.locks:
            self.leave(lock_name, lambda waiter: waiter[0] == number)
        for lock_name in [n for n, lock in self.locks.items() if lock["holder"][0] == number]:
            self.free(index, lock_name)
        del self.sessions[number]
        return [DONE, 0]

    def free(self, index, lock_name):
        waiters = self.locks[lock_name]["waiters"]
        if waiters:
            self.locks[lock_name] = held_by(index, waiters[0], waiters[1:])
        else:
            del self.locks[lock_name]
        return [DONE, 0]

    def written(self):
        sessions = [
            [number, s["member"], s["nonce"], s["floor"], [[request, list(answer)] for request, answer in s["results"].items()]]
            for number, s in self.sessions.items()
        ]
        locks = []
        for lock_name, lock in self.locks.items():
            number, request, ttl_ms = lock["holder"]
            locks.append([lock_name, lock["token"], number, request, ttl_ms, lock["renewals"], lock["waiters"]])
        return encode([1, sessions, locks, [list(pair) for pair in self.sequences.items()]])


def held_by(token, holder, waiters):
    return {"token": token, "holder": holder, "renewals": 0, "waiters": waiters}


_session = (u53, member, u53, u53, many((u53, result), 1024))
_lock = (member, u53, u53, u53, unsigned(0, 3_600_000), u53, many((u53, u53, unsigned(0, 3_600_000)), 256))


def read_state(data):
    parts = fields(decode(data), (unsigned(1, 1), many(_session), many(_lock), many((member, u53))))
    for part in parts[1:]:
        need(len({one[0] for one in part}) == len(part), "twice")
    return parts
