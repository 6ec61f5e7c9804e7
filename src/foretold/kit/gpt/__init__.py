"""Small language models, many of them trained at once.

`train` trains R replicas of one small GPT-2 that differ in their learning-rate schedule, their first weights or the
order of their data. Replicas that cannot differ yet, because weights, data and learning rates have been equal so far,
are computed once and parted where their schedules part: six schedules with a common beginning cost less than six runs.

    text = gpt.corpus()                                     # the standard library's own source
    config = gpt.Config(layers=2, width=32, heads=2, context=32, vocabulary=text.vocabulary)
    rates = np.stack([constant, cosine])                   # (R, steps)
    trained = gpt.train(config, text, rates, gpt.Plan(batch=8), run.torch_generator("lm"))
    trained.losses                                         # (R, evaluations), nats per token
    trained.model(0)                                       # a transformers.GPT2LMHeadModel with replica 0's weights

`train_each` trains configurations of different sizes, one after another. `network` holds the model itself.
"""

from foretold.kit.corpora import Corpus, corpus, standard_library
from foretold.kit.gpt.network import Config, load_transformers
from foretold.kit.gpt.training import Plan, Training, train, train_each

__all__ = [
    "Config",
    "Corpus",
    "Plan",
    "Training",
    "corpus",
    "load_transformers",
    "standard_library",
    "train",
    "train_each",
]
