"""Small Keras classifiers with random weights, of the shapes that people build: a name and a function for each."""

import numpy as np
import keras
from keras import layers

CLASSES = 5


def sequential():
    return keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.RandomFlip("horizontal"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(12, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(3, 2, padding="same"),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def skipping():
    """A residual network of odd size: every stride meets an odd side."""
    photo = layers.Input((37, 37, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(photo)
    x = layers.ZeroPadding2D(((1, 2), (0, 3)))(x)
    x = layers.Conv2D(8, 5, strides=2, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.LeakyReLU(0.1)(x)
    for filters in (8, 12):
        shortcut = layers.Conv2D(filters, 1, strides=2)(x)
        y = layers.Conv2D(filters, 3, strides=2, padding="same")(x)
        y = layers.BatchNormalization()(y)
        y = layers.Activation("elu")(y)
        y = layers.Conv2D(filters, 3, padding="same")(y)
        y = layers.BatchNormalization()(y)
        x = layers.Activation("relu")(layers.Add()([shortcut, y]))
    x = layers.AveragePooling2D(2, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(photo, layers.Dense(CLASSES)(x))


def dilated():
    """Steps between the taps of a kernel, which tf.lite takes apart into operators of its own."""
    return keras.Sequential(
        [
            layers.Input((21, 21, 3)),
            layers.Conv2D(6, 3, padding="same", dilation_rate=2, activation="relu"),
            layers.Conv2D(6, 3, dilation_rate=(2, 3)),
            layers.DepthwiseConv2D(3, padding="same", dilation_rate=2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(CLASSES),
        ]
    )


def squeezing():
    """Squeeze-and-excitation once by dense layers and once by convolutions, with hard swish and swish."""
    photo = layers.Input((24, 24, 3))
    x = layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.0524, 0.0502, 0.0506])(
        layers.Rescaling(1 / 255)(photo)
    )
    x = layers.Conv2D(8, 3, activation="swish", padding="same")(x)
    gate = layers.GlobalAveragePooling2D()(x)
    gate = layers.Dense(4, activation="relu")(gate)
    gate = layers.Dense(8, activation="sigmoid")(gate)
    x = layers.Multiply()([x, layers.Reshape((1, 1, 8))(gate)])
    x = layers.Conv2D(8, 1, activation="hard_sigmoid")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(8, 1, activation="hard_sigmoid")(gate)
    x = layers.Multiply()([gate, x])
    x = layers.Conv2D(10, 3, padding="valid", activation="gelu")(x)
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(photo, layers.Dense(CLASSES, activation="softmax")(x))


def separable():
    """Depthwise with a multiplier, separable and pooled with overlap; branches are joined; a convolution ends it."""
    photo = layers.Input((33, 33, 3))
    x = layers.DepthwiseConv2D(3, depth_multiplier=3, padding="same", strides=2)(photo)
    x = layers.ReLU(max_value=6)(x)
    x = layers.SeparableConv2D(12, 3, padding="same", depth_multiplier=2, activation="tanh")(x)
    a = layers.AveragePooling2D(3, 1, padding="same")(x)
    b = layers.Conv2D(6, (1, 3), padding="same", activation="relu")(x)
    c = layers.Conv2D(6, (3, 1), padding="same", activation=keras.activations.relu6)(x)
    x = layers.Concatenate()([a, b, c])
    x = layers.Conv2D(16, 3, strides=(2, 1), padding="same", groups=1)(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.ReLU(negative_slope=0.2)(x)
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Conv2D(CLASSES, 1)(x)
    x = layers.Reshape((CLASSES,))(x)
    return keras.Model(photo, layers.Softmax()(x))


def nested():
    """A base that is a model of its own under a new top, as in transfer learning; the top is a model too."""
    inner = layers.Input((28, 28, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(inner)
    base = keras.Model(inner, layers.BatchNormalization()(x), name="base")
    top = keras.Sequential([layers.Dense(9, activation="relu"), layers.Dense(CLASSES)], name="top")
    photo = layers.Input((28, 28, 3))
    x = base(layers.Rescaling(1 / 127.5, -1)(photo), training=False)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(photo, layers.Activation("softmax")(top(x)))


def binary():
    """One unit with a sigmoid: the odds of the second of two classes."""
    return keras.Sequential(
        [
            layers.Input((20, 20, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(6, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


CLASSIFIERS = [sequential, skipping, dilated, squeezing, separable, nested, binary]


def build(make):
    """The classifier with weights that are random, batch norms and biases among them."""
    keras.utils.set_random_seed(len(make.__name__))
    model = make()
    shake(model)
    return model


def shake(model):
    random = np.random.default_rng(7)
    for weight in model.weights:
        name, shape = weight.path.split("/")[-1], weight.shape
        if "seed" in weight.path or name in ("mean", "variance", "count"):
            continue
        if name in ("gamma", "moving_variance"):
            weight.assign(random.uniform(0.5, 1.5, shape))
        elif name in ("beta", "moving_mean", "bias"):
            weight.assign(random.normal(0, 0.1, shape))


def photos(paths, size):
    """The photos as RGB levels, squashed to a square by Pillow's bicubic: uint8 [n, size, size, 3]."""
    from PIL import Image

    return np.stack(
        [
            np.asarray(Image.open(path).convert("RGB").resize((size, size), Image.Resampling.BICUBIC))
            for path in paths
        ]
    )
