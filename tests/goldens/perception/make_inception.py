"""inception.safetensors: features of pytorch-fid's own network (pytorch_fid.inception) with weights by a formula; see README.md."""
import json
import math
import struct
from pathlib import Path

import numpy as np
import torch

_stub = torch.library.Library("torchvision", "DEF")  # its operators, which the wheel for another torch does not register
for _op in ("nms", "qnms", "roi_align", "qroi_align", "_roi_align_backward", "roi_pool", "_roi_pool_backward",
            "ps_roi_align", "_ps_roi_align_backward", "ps_roi_pool",
            "_ps_roi_pool_backward", "deform_conv2d", "_deform_conv2d_backward"):
    _stub.define(_op + "(Tensor a) -> Tensor")
import torchvision  # noqa: E402  not before its operators are there
from pytorch_fid import inception as fid  # noqa: E402

torch.set_num_threads(1)
def formula(n, s):
    x = (np.arange(n, dtype=np.uint64) + np.uint64((s * 0x9E3779B9) & 0xFFFFFFFF)).astype(np.uint32)
    x ^= x >> np.uint32(16)
    x = (x * np.uint32(0x7feb352d)).astype(np.uint32)
    x ^= x >> np.uint32(15)
    x = (x * np.uint32(0x846ca68b)).astype(np.uint32)
    x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2**31 - 1
seed = 77
net = fid._inception_v3(num_classes=1008, aux_logits=False, weights=None)
net.Mixed_5b = fid.FIDInceptionA(192, pool_features=32)
net.Mixed_5c = fid.FIDInceptionA(256, pool_features=64)
net.Mixed_5d = fid.FIDInceptionA(288, pool_features=64)
net.Mixed_6b = fid.FIDInceptionC(768, channels_7x7=128)
net.Mixed_6c = fid.FIDInceptionC(768, channels_7x7=160)
net.Mixed_6d = fid.FIDInceptionC(768, channels_7x7=160)
net.Mixed_6e = fid.FIDInceptionC(768, channels_7x7=192)
net.Mixed_7b = fid.FIDInceptionE_1(1280)
net.Mixed_7c = fid.FIDInceptionE_2(2048)
state, sums = {}, {}
names = sorted(k for k in net.state_dict() if not k.startswith(('fc.', 'AuxLogits.')) and not k.endswith('num_batches_tracked'))
for i, name in enumerate(names):
    shape = net.state_dict()[name].shape
    u = formula(int(np.prod(shape)), seed + i)
    if name.endswith('conv.weight'):
        v = u * 0.9 * math.sqrt(6 / (shape[1] * shape[2] * shape[3]))
    elif name.endswith('bn.weight'):
        v = 1 + 0.2 * u
    elif name.endswith('running_var'):
        v = 1 + 0.5 * u
    else:
        v = 0.1 * u
    state[name] = torch.from_numpy(v.reshape(tuple(shape))).float()
missing = net.load_state_dict(state, strict=False)
assert all(k.startswith('fc.') or k.endswith('num_batches_tracked') for k in missing.missing_keys), missing
fid.fid_inception_v3 = lambda: net
model = fid.InceptionV3(output_blocks=[0, 1, 2, 3]).eval()
h, w = 40, 56
images = torch.from_numpy(((formula(2 * 3 * h * w, seed + 1000) + 1) / 2 * 255).round().reshape(2, 3, h, w)).to(torch.uint8)
# smooth over a few pixels: pure noise looks alike to every network
images = torch.nn.functional.avg_pool2d(images.float(), 5, 1, 2)
images = ((images - images.amin()) / (images.amax() - images.amin()) * 255).round().to(torch.uint8)
with torch.no_grad():
    low, middle, high, pool = model(images.float() / 255)
    double = model.double()(images.double() / 255)[3]


def save(path, tensors, meta):
    header, blob = {'__metadata__': {k: (v if isinstance(v, str) else json.dumps(v)) for k, v in meta.items()}}, b''
    for k, t in tensors.items():
        a = np.ascontiguousarray(t.numpy())
        raw = a.tobytes()
        header[k] = {'dtype': {'uint8': 'U8', 'float32': 'F32'}[str(a.dtype)], 'shape': list(a.shape),
                     'data_offsets': [len(blob), len(blob) + len(raw)]}
        blob += raw
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    Path(path).write_bytes(struct.pack('<Q', len(text)) + text + blob)


features = pool[:, :, 0, 0]
print(features.abs().mean(), features.std(0).mean(), (features[0] - features[1]).abs().mean(), (double[:, :, 0, 0] - features).abs().max(),
      len(names))
save(__file__.rsplit('/', 1)[0] + '/inception.safetensors',
     {'images_u8': images, 'features': features.float(), 'block0_mean': low.mean((2, 3)).float(),
      'block1_mean': middle.mean((2, 3)).float(), 'block2_mean': high.mean((2, 3)).float(),
      'check/Mixed_7c.branch_pool.conv.weight/first8': state['Mixed_7c.branch_pool.conv.weight'].flatten()[:8].clone()},
     {'seed': seed, 'source': f'pytorch-fid 0.3.0, torchvision {torchvision.__version__}, torch {torch.__version__}',
      'float32_vs_float64_max_abs': float((double[:, :, 0, 0] - features).abs().max())})
