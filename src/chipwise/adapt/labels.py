"""Labels of channels: which are tied, which are held, and the groups that they make in the end."""

from collections import Counter
from typing import Any

from chipwise.adapt.channels import ChannelGroup, Member, Side
from chipwise.adapt.extra import nn, torch


class Labels:
    """A union-find over the channels of all layers; label 0 is no channel."""

    def __init__(self) -> None:
        self._parent = [0]
        self._held: dict[int, str] = {}
        self._sides: dict[tuple[str, Side], list[int]] = {}
        """Label of every channel on one side of a layer, in the order in which layers run."""

    def root(self, label: int) -> int:
        """The label that stands for all that are tied to this one."""
        while self._parent[label] != label:
            self._parent[label] = self._parent[self._parent[label]]
            label = self._parent[label]
        return label

    def tie(self, left: Any, right: Any) -> None:
        """Tie labels pairwise; a channel that meets no channel (the network's input) is held.

        Args:
            left: tensor of labels.
            right: tensor of labels, of the same shape.
        """
        for axis in range(left.dim()):
            # Places of a plane carry the same labels; one of them is enough.
            if not _varies(left, axis) and not _varies(right, axis):
                left, right = left.narrow(axis, 0, 1), right.narrow(axis, 0, 1)
        pairs = torch.stack([left.reshape(-1), right.reshape(-1)])
        for a, b in torch.unique(pairs, dim=1).T.tolist():
            if 0 in (a, b):
                if a != b:
                    self._held.setdefault(a or b, "it meets values that are no channels, such as the input")
                continue
            one, other = sorted((self.root(a), self.root(b)))
            self._parent[other] = one

    def hold(self, labels: Any, reason: str) -> None:
        """Keep these channels."""
        for label in [] if labels is None else torch.unique(labels).tolist():
            if label:
                self._held.setdefault(label, reason)

    def layer(self, path: str, module: Any, given: Any, output: Any) -> Any:
        """Labels of the output of a layer with weights, which is entered in the books.

        Args:
            path: of the module.
            module: the layer.
            given: labels of its input; None for none.
            output: what it returned.
        """
        if isinstance(module, nn.Linear):
            return self._weighted(path, given, output, axis=-1, out=module.out_features, groups=1)
        if hasattr(module, "in_channels"):
            if module.groups == module.in_channels > 1:
                return self._depthwise(path, given, output, module)
            return self._weighted(path, given, output, axis=1, out=module.out_channels, groups=module.groups)
        if given is None:
            return None
        if isinstance(module, nn.PReLU) and module.num_parameters == 1:
            return given
        if isinstance(module, (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)):
            self.hold(given, f"{path} normalises over channels")
        else:
            self._enter(path, "through", self._channels(given, 1))
        return given

    def _weighted(self, path: str, given: Any, output: Any, *, axis: int, out: int, groups: int) -> Any:
        if given is not None:
            own = self._channels(given, axis)
            self._tie_blocks(own, groups)
            self._enter(path, "in", own)
        made = self._fresh((path, "out"), out)
        self._tie_blocks(made, groups)
        return self._spread(made, output.shape, axis)

    def _depthwise(self, path: str, given: Any, output: Any, module: Any) -> Any:
        """Every input channel becomes `times` output channels of its own."""
        times = module.out_channels // module.in_channels
        if given is None:
            made = self._fresh((path, "out"), module.out_channels)
            self.hold(made, "it is made of the network's input, channel by channel")
            return self._spread(made, output.shape, 1)
        own = self._channels(given, 1)
        self._enter(path, "through", own)
        return self._spread(own.repeat_interleave(times), output.shape, 1)

    def _enter(self, path: str, side: Side, own: Any) -> None:
        """Book the labels of one side; a layer that runs again ties them to those of before."""
        before = self._sides.setdefault((path, side), own.tolist())
        self.tie(torch.tensor(before), own)

    def _fresh(self, side: tuple[str, Side], size: int) -> Any:
        if side not in self._sides:
            first = len(self._parent)
            self._parent.extend(range(first, first + size))
            self._sides[side] = list(range(first, first + size))
        return torch.tensor(self._sides[side])

    def _tie_blocks(self, own: Any, blocks: int) -> None:
        """Tie equal places of equal blocks, so that blocks stay equal."""
        rows = own.reshape(blocks, -1)
        self.tie(rows[:1].expand_as(rows), rows)

    def _channels(self, labels: Any, axis: int) -> Any:
        """Label of every channel along `axis`; where places of one channel differ, all of them are tied."""
        rows = labels.movedim(axis, 0).reshape(labels.shape[axis], -1)
        if not bool((rows == rows[:, :1]).all()):
            self.tie(rows[:, :1].expand_as(rows), rows)
        return rows[:, 0]

    @staticmethod
    def _spread(own: Any, shape: Any, axis: int) -> Any:
        """Labels of channels, for every value of a tensor of this shape."""
        axis %= len(shape)
        form = [1] * len(shape)
        form[axis] = len(own)
        return own.reshape(form).expand(shape)

    def moved(self, labels: Any, before: Any) -> Any:
        """Labels after values moved; channels cut into rows and columns (shuffles) are tied by their column."""
        if before is not None and labels.numel() == before.numel() and _varying(labels) > _varying(before):
            axis = next(d for d in range(labels.dim()) if _varies(labels, d))
            self.tie(labels.select(axis, 0).unsqueeze(axis).expand_as(labels), labels)
        return labels

    @staticmethod
    def padded(labels: Any, shape: Any) -> Any:
        """Labels of padded planes, whose margins belong to their channels; None where channels are added."""
        for axis, size in enumerate(shape):
            if size != labels.shape[axis]:
                if _varies(labels, axis):
                    return None
                labels = labels.narrow(axis, 0, 1).expand(
                    *labels.shape[:axis], size, *labels.shape[axis + 1 :]
                )
        return labels

    def tie_parts(self, parts: Any, whole: Any) -> None:
        """Parts that channels are split into stay of equal size, or nothing is removed."""
        if len({part.shape for part in parts}) == 1:
            for part in parts[1:]:
                self.tie(parts[0], part)
        elif any(not torch.equal(torch.unique(part), torch.unique(whole)) for part in parts):
            self.hold(whole, "it is split into parts of different sizes")

    def chosen(self, part: Any, whole: Any) -> None:
        """A choice of channels names them by number, so none may go."""
        if whole is not None and not torch.equal(torch.unique(part), torch.unique(whole)):
            self.hold(whole, "some of its channels are chosen by number")

    def met(self, operands: list[tuple[Any, Any]], shape: Any) -> Any:
        """Labels of what is computed value by value; channels that meet are tied."""
        own = [labels.expand(shape) for _, labels in operands if labels is not None]
        axes = [d for d in range(len(shape)) if any(_varies(labels, d) for labels in own)]
        for size, labels in operands:
            aligned = [1] * (len(shape) - len(size)) + list(size)
            if labels is None and any(aligned[d] > 1 for d in axes):
                own.append(torch.zeros(shape, dtype=torch.int64))
        for other in own[1:]:
            self.tie(own[0], other)
        return own[0]

    def per_channel(self, labels: Any, shape: Any) -> Any:
        """Labels of what pools or resizes planes."""
        return self._spread(self._channels(labels, 1), shape, 1)

    def reduced(self, labels: Any, axes: list[int], shape: Any) -> Any:
        """Labels of a mean, sum or maximum over `axes`; channels that are summed up with others are held."""
        for axis in axes:
            if _varies(labels, axis):
                self.hold(labels, "it is averaged with other channels")
                return None
            labels = labels.narrow(axis, 0, 1)
        return labels.reshape(shape)

    def groups(self) -> tuple[ChannelGroup, ...]:
        """The groups: units that the same layers make, in the order in which those run."""
        held = {self.root(label): reason for label, reason in reversed(self._held.items())}
        places: dict[int, dict[tuple[str, Side], list[int]]] = {}
        for side, own in self._sides.items():
            for channel, label in enumerate(own):
                if label:
                    places.setdefault(self.root(label), {}).setdefault(side, []).append(channel)
        alike: dict[tuple[tuple[str, Side], ...], list[int]] = {}
        for root, sides in places.items():
            alike.setdefault(tuple(sides), []).append(root)
        found = []
        names: Counter[str] = Counter()
        for kinds, roots in alike.items():
            roots.sort(key=lambda root: min(next(iter(places[root].values()))))
            members = tuple(Member(*side, tuple(tuple(places[r][side]) for r in roots)) for side in kinds)
            made = next((m.layer for m in members if m.side == "out"), members[0].layer)
            reason = next((held[root] for root in roots if root in held), "")
            if not reason and len(roots) == 1:
                reason = "it has one unit only"
            if not reason and not any(m.side == "in" for m in members):
                reason = "nothing reads its channels"
            names[made] += 1
            name = made if names[made] == 1 else f"{made}#{names[made]}"
            found.append(ChannelGroup(name, members, reason))
        return tuple(found)


def _varies(labels: Any, axis: int) -> bool:
    if labels.stride(axis) == 0:  # expanded
        return False
    return bool((labels != labels.select(axis, 0).unsqueeze(axis)).any()) if labels.shape[axis] > 1 else False


def _varying(labels: Any) -> int:
    return sum(_varies(labels, axis) for axis in range(labels.dim()))
