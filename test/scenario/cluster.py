"""Several murderds that are one cluster.

    with cluster.Cluster(3) as murders:
        murders.user("john")
        murders[2].imap("john")

The first is made by `murderctl init`, the others join by tokens, as an
operator would do it.
"""

import time

import murder

SETTLE_S = 60


class Cluster:
    def __init__(self, count, settings="", **options):
        self.settings = settings
        self.options = options
        self.nodes = []
        self.made = 0
        for _ in range(count):
            self.new_node()

    def new_node(self):
        """One more murderd, not started; the first will be initialised."""
        self.made += 1
        node = murder.Node(cluster=True, init=self.made == 1,
                           name="n%d" % self.made, settings=self.settings,
                           **self.options)
        self.nodes.append(node)
        return node

    def __getitem__(self, index):
        return self.nodes[index]

    def __enter__(self):
        try:
            self.nodes[0].start()
            for node in self.nodes[1:]:
                self.join(node)
            self.settle()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        for node in reversed(self.nodes):
            node.__exit__(kind, value, trace)

    def living(self):
        return [node for node in self.nodes if node.process]

    def join(self, node):
        """A node that was never initialised becomes a member."""
        token = self.living()[0].ctl("token", "create", node.name)["token"]
        node.start(init=False)
        node.ctl("join", token)
        node.await_port(node.imap_port)

    def user(self, name):
        self.living()[0].user(name)

    # waiting

    def status(self):
        return self.living()[0].ctl("status")

    def unsettled(self):
        """What is not as it shall be; None if all is well."""
        status = self.status()
        heard = {member["node"] for member in status["members"]
                 if member.get("heard_ms", 9999) < 3000}
        members = len(status["members"])
        for group in status["cluster_groups"]:
            if not group["leader"]:
                return "group %d has no leader" % group["group"]
            if group["leader"] not in heard:
                return "group %d: its leader is silent" % group["group"]
            replicas = [r for r in group["replicas"] if r["wanted"] != "gone"]
            if len(replicas) != len(group["replicas"]):
                return "group %d has a replica that goes" % group["group"]
            if len(replicas) < min(members, 3):
                return "group %d has %d replicas" % (
                    group["group"], len(replicas))
            for replica in replicas:
                if (replica["is"] != replica["wanted"] or replica["parked"]
                        or not replica["serving"] or not replica["open"]):
                    return "group %d: %r" % (group["group"], replica)
                if replica.get("lag", 0) or replica["missing_bodies"]:
                    return "group %d lags: %r" % (group["group"], replica)
        return None

    def settle(self, seconds=SETTLE_S):
        """Until every group has its replicas, and they are level."""
        end = time.monotonic() + seconds
        while True:
            why = self.unsettled()
            if why is None:
                return
            if time.monotonic() > end:
                for node in self.living()[1:]:
                    print(open(node.log, errors="replace").read()[-3000:])
                self.living()[0].fail(
                    "not settled after %d s: %s; managers: %r" % (
                        seconds, why, self.status()["managers"]))
            time.sleep(0.2)

    def leader(self, group):
        """The node that leads the group; None: nobody is known to."""
        for row in self.status()["cluster_groups"]:
            if row["group"] == group:
                for node in self.living():
                    if node.ctl("status")["node"] == row["leader"]:
                        return node
        return None
