"""Scenes made up for tests, and the rasterizer once more in plain torch, written from docs/rasterizer.md without looking at ours."""

from dataclasses import dataclass

import torch


@dataclass
class Scene:
    means: torch.Tensor
    quats: torch.Tensor
    scales: torch.Tensor
    opacities: torch.Tensor
    viewmats: torch.Tensor
    Ks: torch.Tensor
    width: int
    height: int

    def parts(self):
        return self.means, self.quats, self.scales, self.opacities

    def to(self, dtype):
        tensors = (t.to(dtype) for t in (*self.parts(), self.viewmats, self.Ks))
        return Scene(*tensors, self.width, self.height)

    def leaves(self):
        """A copy whose tensors (but Ks) collect gradients."""
        *tensors, Ks = (t.clone() for t in (*self.parts(), self.viewmats, self.Ks))
        return Scene(*(t.requires_grad_(True) for t in tensors), Ks, self.width, self.height)


def rotation_about_y(angle: float) -> torch.Tensor:
    a = torch.tensor(angle, dtype=torch.float64)
    zero, one = torch.zeros_like(a), torch.ones_like(a)
    return torch.stack([a.cos(), zero, a.sin(), zero, one, zero, -a.sin(), zero, a.cos()]).reshape(3, 3)


def random_scene(count: int, seed: int, width: int = 40, height: int = 28) -> Scene:
    """count Gaussians around the origin and three cameras at a distance of about 3 from it. Depths differ by far more than float32
    rounds, and nothing is so opaque that a pixel stops early."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape, low=0.0, high=1.0):
        return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)

    viewmats = []
    for angle in (0.0, 0.7, -1.9):
        matrix = torch.eye(4, dtype=torch.float64)
        matrix[:3, :3] = rotation_about_y(angle)
        matrix[:3, 3] = torch.tensor([0.05, -0.1, 3.0], dtype=torch.float64)
        viewmats.append(matrix)
    K = torch.tensor([[45.0, 0, width / 2 + 1.5], [0, 42.0, height / 2 - 0.7], [0, 0, 1]], dtype=torch.float64)
    return Scene(
        uniform(count, 3, low=-0.8, high=0.8),
        uniform(count, 4, low=-1, high=1) + torch.tensor([1.5, 0, 0, 0]),
        uniform(count, 3, low=0.05, high=0.3),
        uniform(count, low=0.2, high=0.6),
        torch.stack(viewmats),
        K.expand(3, 3, 3).clone(),
        width,
        height,
    )


def rotations(quats: torch.Tensor) -> torch.Tensor:
    w, x, y, z = torch.nn.functional.normalize(quats, dim=-1).unbind(-1)
    rows = [
        torch.stack([w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
        torch.stack([2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)], -1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z], -1),
    ]
    return torch.stack(rows, -2)


def harmonics(directions: torch.Tensor, degree: int) -> torch.Tensor:
    """3DGS's basis up to degree 2, [N, (degree + 1)²]."""
    x, y, z = directions.unbind(-1)
    terms = [torch.full_like(x, 0.5 * (1 / torch.pi) ** 0.5)]
    if degree > 0:
        c = (3 / (4 * torch.pi)) ** 0.5
        terms += [-c * y, c * z, -c * x]
    if degree > 1:
        c = (15 / (4 * torch.pi)) ** 0.5
        terms += [c * x * y, -c * y * z, (5 / (16 * torch.pi)) ** 0.5 * (3 * z * z - 1), -c * x * z, c / 2 * (x * x - y * y)]
    return torch.stack(terms, -1)


def render_one(scene: Scene, camera: int, colors: torch.Tensor, antialiased: bool, sh_degree: int | None):
    """[H, W, 3] over black, [H, W] alpha, [H, W] blended depth."""
    viewmat, K = scene.viewmats[camera], scene.Ks[camera]
    R, t = viewmat[:3, :3], viewmat[:3, 3]
    if sh_degree is not None:
        centre = -torch.linalg.solve(R, t)
        basis = harmonics(torch.nn.functional.normalize(scene.means - centre, dim=-1), sh_degree)
        colors = ((basis.unsqueeze(-1) * colors[:, : basis.shape[1]]).sum(1) + 0.5).clamp_min(0)
    points = scene.means @ R.T + t
    order = points[:, 2].detach().float().argsort(stable=True)
    order = order[points[order, 2] >= 0.01]
    points, colors, opacities = points[order], colors[order], scene.opacities[order]
    x, y, z = points.unbind(-1)
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]

    def limited(ratio, focal, centre, size):
        margin = 0.15 * size / focal
        return ratio.clamp(-(centre / focal + margin), (size - centre) / focal + margin)

    tx, ty = limited(x / z, fx, cx, scene.width), limited(y / z, fy, cy, scene.height)
    zero = torch.zeros_like(z)
    J = torch.stack([torch.stack([fx / z, zero, -fx * tx / z], -1), torch.stack([zero, fy / z, -fy * ty / z], -1)], -2)
    M = J @ R @ rotations(scene.quats[order]) @ torch.diag_embed(scene.scales[order])
    sharp = M @ M.transpose(-1, -2)
    blurred = sharp + 0.3 * torch.eye(2, dtype=sharp.dtype)
    if antialiased:
        opacities = opacities * (torch.linalg.det(sharp) / torch.linalg.det(blurred)).clamp_min(0).sqrt()
    inverse = torch.linalg.inv(blurred)
    rows, columns = torch.meshgrid(torch.arange(scene.height), torch.arange(scene.width), indexing="ij")
    pixels = torch.stack([columns, rows], -1).reshape(-1, 1, 2).to(z.dtype) + 0.5
    offsets = torch.stack([fx * x / z + cx, fy * y / z + cy], -1) - pixels
    alphas = opacities * (-0.5 * torch.einsum("pni,nij,pnj->pn", offsets, inverse, offsets)).exp()
    alphas = torch.where(alphas < 1 / 255, torch.zeros_like(alphas), alphas.clamp_max(0.999))
    before = torch.cat([torch.ones_like(alphas[:, :1]), (1 - alphas).cumprod(1)], 1)
    assert before.min() > 2e-4, "this scene would stop pixels early, which is left out here"
    weights = alphas * before[:, :-1]
    shape = (scene.height, scene.width)
    return (weights @ colors).reshape(*shape, 3), (1 - before[:, -1]).reshape(shape), (weights @ z).reshape(shape)


def render_plainly(scene: Scene, colors, *, backgrounds=None, render_mode="RGB", rasterize_mode="classic", sh_degree=None):
    """(colors [C, H, W, channels], alphas [C, H, W, 1]) as gsplat.rasterization gives them."""
    images, alphas = [], []
    for camera in range(scene.viewmats.shape[0]):
        own = colors[camera] if colors.dim() == (3 if sh_degree is None else 4) else colors
        rgb, alpha, depth = render_one(scene, camera, own, rasterize_mode == "antialiased", sh_degree)
        alpha, depth = alpha.unsqueeze(-1), depth.unsqueeze(-1)
        if backgrounds is not None:
            rgb = rgb + (1 - alpha) * backgrounds[camera]
        if "ED" in render_mode:
            depth = depth / alpha.clamp_min(1e-10)
        images.append(torch.cat(([rgb] if "RGB" in render_mode else []) + ([depth] if "D" in render_mode else []), -1))
        alphas.append(alpha)
    return torch.stack(images), torch.stack(alphas)
