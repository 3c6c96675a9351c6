"""The part of a script that trains a head on what the body says of each image, read once."""

from core.runs.script import network, text
from core.runs.script.facts import ScriptFacts

CUT = '''
def cut(model):
    """Cut a network behind its pooled and flattened activations: what is read, and a head."""
    layers = {layers}
    flat = [isinstance(layer, (Flatten, nn.Flatten)) for layer in layers]
    at = 1 + max((index for index, found in enumerate(flat) if found), default=0)
    return nn.Sequential(*layers[:at]), nn.Sequential(*layers[at:])
'''

THROUGH = '''
def through(body, pixels):
    """Put at most 16 images through the body; fewer are filled up, because the shape of a batch
    moves the last bits."""
    full = torch.cat([pixels, pixels[-1:].expand(16 - len(pixels), -1, -1, -1)])
{format}    with torch.no_grad(){mixed}:
        return body(full)[: len(pixels)].float().cpu()
'''

FORMAT = "    full = full.contiguous(memory_format=torch.channels_last)\n"
MIXED = ", torch.autocast(full.device.type, torch.{})"
DTYPES = {"fp16": "float16", "bf16": "bfloat16"}

READ = '''
def read_features(learn, items):
    """Read the activations and targets of train and valid; no random state is touched."""
    dls, (body, _head) = learn.dls, cut(learn.model)
    body.to(dls.device).eval()
    with no_random():
        loader = dls.test_dl(items, rm_type_tfms=0, bs=16, num_workers={n_workers})
        rows = torch.cat([through(body, plain(pixels)) for (pixels,) in loader])
        is_train = torch.tensor([item["part"] == "train" for item in items])
        train = {train}
        valid = {valid}
        return [
            (part, torch.stack([plain(target) for target in subset.tls[-1]]))
            for part, subset in ((train, dls.train_ds), (valid, dls.valid_ds))
        ]


def plain(values):
    return values.as_subclass(torch.Tensor)
'''

VIEWS = '''
def varied_rows(body, loader):
    """Read augmented views of each train image, each seeded by its content: (items, views, …)."""
    positions = range(len(loader.dataset))
    wanted = [(index, view) for index in positions for view in range(1, {n_views})]
    read = []
    for at in range(0, len(wanted), 16):
        pixels = torch.cat([plain(varied(loader, *each)) for each in wanted[at : at + 16]])
        read.append(through(body, pixels))
    return torch.cat(read).reshape(len(loader.dataset), {n_more}, -1)


def varied(loader, index, view):
    content = f"{{view}}:{{loader.dataset.items[index]['content_hash']}}".encode()
    set_seed(int.from_bytes(hashlib.blake2b(content, digest_size=4).digest(), "big"))
    loader.before_iter()
    batch = to_device(loader.do_batch([loader.do_item(index)]), loader.device)
    return loader.after_batch(batch)[0]


class ViewLoader(TfmdDL):
    """Take whole batches, and draw one of the views of each item."""

    n_inp = 1

    def create_batches(self, positions):
        for some in chunked(positions, self.bs, drop_last=self.drop_last):
            items = [self.dataset[position] for position in some]
            views = [self.rng.randrange(len(rows)) if len(rows) > 1 else 0 for rows, _ in items]
            pixels = torch.stack([rows[view] for (rows, _), view in zip(items, views)])
            yield pixels, torch.stack([target for _, target in items])
'''

HEAD = '''
def make_head_learner(learn, features, *, batch_size):
    """Make a learner of the head alone; its parameters are those of the whole network."""
    with no_random():
        dls = DataLoaders(
            *(
                {loader}(
                    list(zip(rows, targets)),
                    bs=batch_size,
                    shuffle=part == 0,
                    drop_last=part == 0,
                    num_workers=0,
                    device=learn.dls.device,
                )
                for part, (rows, targets) in enumerate(features)
            ),
            device=learn.dls.device,
        )
    for loader, other in zip(dls.loaders, learn.dls.loaders):
        loader.rng.setstate(other.rng.getstate())
    head = {made}
    head.remove_cb(ProgressCallback)
    head.logger = noop
{callbacks}    return head
'''


def write(facts: ScriptFacts) -> list[str]:
    """Write the functions of stages on features, each a block; none where no stage is on them."""
    if not facts.uses_features:
        return []
    recipe = facts.recipe
    n_views = recipe.feature_views
    is_mixed = recipe.precision != "fp32"
    layers = "list(model.children())" if facts.is_xresnet else "[model[0], *model[1].children()]"
    train, valid = "rows[is_train]", "rows[~is_train]"
    if n_views > 1:
        train = "torch.cat([rows[is_train, None], varied_rows(body, dls.train)], dim=1)"
        valid = "rows[~is_train, None]"
    blocks = [
        CUT.format(layers=layers),
        THROUGH.format(
            format=FORMAT if recipe.memory_format == "channels_last" else "",
            mixed=MIXED.format(DTYPES[recipe.precision]) if is_mixed else "",
        ),
        READ.format(n_workers=recipe.n_workers, train=train, valid=valid),
        VIEWS.format(n_views=n_views, n_more=n_views - 1) if n_views > 1 else "",
        HEAD.format(
            loader="ViewLoader" if n_views > 1 else "TfmdDL",
            made=_made(facts),
            callbacks=_added(facts),
        ),
    ]
    return [block.strip("\n") for block in blocks if block]


def _made(facts: ScriptFacts) -> str:
    arguments = [
        "dls",
        "cut(learn.model)[1]",
        "loss_func=learn.loss_func",
        *network.around(facts),
        "metrics=learn.metrics",
    ]
    return text.indented(text.call("Learner", arguments, indent=3)).lstrip()


def _added(facts: ScriptFacts) -> str:
    found = network.step_callbacks(facts.recipe)
    return f"    head.add_cbs({text.sequence(found)})\n" if found else ""
