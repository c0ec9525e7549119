# SPDX-License-Identifier: Apache-2.0
"""Every backbone as its library has it: MONAI's networks without what stands on the embedding, and, where MONAI has none (CNN Var,
CNN Var2, AlexNet Var, R(2+1)D), plain PyTorch after kernels/nets/{cnn,alexnet}.c and the paper it is from. Their state_dict has the names of our model files, and no other.
Settings are those of our recipe, by the same words. Debian's python3-torch 1.13.1; PyPI: monai 1.0.1 or later, einops (for MONAI's ViT)."""
import inspect

import torch
from torch import nn


class Embedding(nn.Module):
    """a network of which the first output is wanted, with that network's own names"""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        y = self.net(x)
        return (y[0] if isinstance(y, tuple) else y).flatten(1)

    def state_dict(self, *args, **kwargs):
        return self.net.state_dict(*args, **kwargs)

    def load_state_dict(self, *args, **kwargs):
        return self.net.load_state_dict(*args, **kwargs)

    def named_parameters(self, *args, **kwargs):
        return self.net.named_parameters(*args, **kwargs)


def resnet(depth):
    kind, layers = {10: ("basic", (1, 1, 1, 1)), 18: ("basic", (2, 2, 2, 2)), 34: ("basic", (3, 4, 6, 3)),
                    50: ("bottleneck", (3, 4, 6, 3))}[depth]

    def build(channels, backbone_width=64, stem_stride=(1, 2, 2)):
        from monai.networks.nets.resnet import ResNet, ResNetBlock, ResNetBottleneck
        net = ResNet({"basic": ResNetBlock, "bottleneck": ResNetBottleneck}[kind], layers,
                     [backbone_width << i for i in range(4)], spatial_dims=3, n_input_channels=channels,
                     conv1_t_stride=stem_stride, feed_forward=False)
        for m in net.modules():  # 1.0.1's have a bias, which does nothing before a batch norm; the paper's count has none
            if hasattr(m, "downsample") and m.downsample is not None:
                m.downsample[0].bias = None
        return net
    return build


def seresnet50(channels, backbone_width=64):
    from monai.networks.nets import SEResNet50

    class Narrow(SEResNet50):
        def _make_layer(self, block, planes, **more):
            return super()._make_layer(block, planes * backbone_width // 64, **more)
    net = Narrow(spatial_dims=3, in_channels=channels, num_classes=1, inplanes=backbone_width)
    net.last_linear = nn.Identity()
    return net


def efficientnet_b0(channels, efficientnet_width=1, efficientnet_drop=0.2):
    from monai.networks.nets import EfficientNet
    blocks = ("r1_k3_s11_e1_i32_o16_se0.25", "r2_k3_s22_e6_i16_o24_se0.25", "r2_k5_s22_e6_i24_o40_se0.25",
              "r3_k3_s22_e6_i40_o80_se0.25", "r3_k5_s11_e6_i80_o112_se0.25", "r4_k5_s22_e6_i112_o192_se0.25",
              "r1_k3_s11_e6_i192_o320_se0.25")
    net = EfficientNet(list(blocks), spatial_dims=3, in_channels=channels, num_classes=1, image_size=16,
                       width_coefficient=efficientnet_width, drop_connect_rate=efficientnet_drop, dropout_rate=0)
    net._fc = nn.Identity()
    return net


def vit(channels, vit_patch=8, vit_width=768, vit_layers=12, vit_heads=12, vit_mlp=3072):
    from monai.networks.nets import ViT
    how = "proj_type" if "proj_type" in inspect.signature(ViT).parameters else "pos_embed"  # its name from MONAI 1.3 on, and before
    net = ViT(in_channels=channels, img_size=(16, 16, 16), patch_size=(vit_patch,) * 3, hidden_size=vit_width,
              mlp_dim=vit_mlp, num_layers=vit_layers, num_heads=vit_heads, classification=True, **{how: "conv"})
    for block in net.blocks:
        block.norm_cross_attn = nn.Identity()  # of an attention to something else, which 1.3 and later have and a ViT never uses
    net.classification_head = nn.Identity()
    return net


def densenet(channels, densenet_blocks=(6, 12, 24), densenet_growth=32, densenet_width=64):
    from monai.networks.nets import DenseNet
    net = DenseNet(spatial_dims=3, in_channels=channels, out_channels=1, init_features=densenet_width,
                   growth_rate=densenet_growth, block_config=densenet_blocks)
    net.class_layers.out = nn.Identity()
    return net


class Cnn(nn.Module):
    def __init__(self, channels, blocks, flat):
        super().__init__()
        self.flat, self.blocks = flat, blocks
        for i in range(blocks):
            block = nn.Module()
            block.conv = nn.Conv3d(channels, 32 << i, 3, 1, 1, bias=False)
            block.bn = nn.BatchNorm3d(32 << i)
            setattr(self, f"block{i + 1}", block)
            channels = 32 << i

    def forward(self, x):
        for i in range(self.blocks):
            block = getattr(self, f"block{i + 1}")
            x = nn.functional.max_pool3d(torch.relu(block.bn(block.conv(x))), 2)
        return x.flatten(1) if self.flat else x.mean((2, 3, 4))


class AlexNet(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv3d(channels, 64, 5, 1, 2), nn.ReLU(), nn.MaxPool3d(2),
            nn.Conv3d(64, 192, 3, 1, 1), nn.ReLU(), nn.MaxPool3d(2),
            nn.Conv3d(192, 384, 3, 1, 1), nn.ReLU(),
            nn.Conv3d(384, 256, 3, 1, 1), nn.ReLU(),
            nn.Conv3d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool3d(2))

    def forward(self, x):
        return self.features(x).flatten(1)


class R2plus1d(nn.Module):
    """torchvision.models.video.r2plus1d_18 without its last layer, written out after Tran et al. with torchvision's names"""

    class Block(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            between = 27 * i * o // (9 * i + 3 * o)
            split = lambda a, b, s: nn.Sequential(
                nn.Conv3d(a, between, (1, 3, 3), (1, s, s), (0, 1, 1), bias=False), nn.BatchNorm3d(between), nn.ReLU(inplace=True),
                nn.Conv3d(between, b, (3, 1, 1), (s, 1, 1), (1, 0, 0), bias=False))
            self.conv1 = nn.Sequential(split(i, o, stride), nn.BatchNorm3d(o), nn.ReLU(inplace=True))
            self.conv2 = nn.Sequential(split(o, o, 1), nn.BatchNorm3d(o))
            if stride != 1 or i != o:
                self.downsample = nn.Sequential(nn.Conv3d(i, o, 1, stride, bias=False), nn.BatchNorm3d(o))

        def forward(self, x):
            y = self.conv2(self.conv1(x))
            return torch.relu_(y + (self.downsample(x) if hasattr(self, "downsample") else x))

    def __init__(self, channels, backbone_width=64):
        super().__init__()
        w, between = backbone_width, max(1, backbone_width * 45 // 64)
        self.stem = nn.Sequential(nn.Conv3d(channels, between, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False), nn.BatchNorm3d(between),
                                  nn.ReLU(inplace=True), nn.Conv3d(between, w, (3, 1, 1), 1, (1, 0, 0), bias=False), nn.BatchNorm3d(w),
                                  nn.ReLU(inplace=True))
        for layer in range(4):
            i, o = w << max(layer - 1, 0), w << layer
            setattr(self, f"layer{layer + 1}", nn.Sequential(self.Block(i, o, 2 if layer else 1), self.Block(o, o, 1)))

    def forward(self, x):
        return self.layer4(self.layer3(self.layer2(self.layer1(self.stem(x))))).mean((2, 3, 4))


BACKBONES = {
    "resnet10": resnet(10), "resnet18": resnet(18), "resnet34": resnet(34), "resnet50": resnet(50),
    "seresnet50": seresnet50, "efficientnet_b0": efficientnet_b0, "vit": vit, "densenet": densenet,
    "cnn_var": lambda channels: Cnn(channels, 2, True), "cnn_var2": lambda channels: Cnn(channels, 4, False), "alexnet": AlexNet,
    "r2plus1d_18": R2plus1d,
}


def backbone(name, channels=1, **settings):
    return Embedding(BACKBONES[name](channels, **settings))


def count(net):
    return sum(p.numel() for _, p in net.named_parameters())
