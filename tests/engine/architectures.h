/* The tiny models of tests/data/architectures: every architecture in every file format. */
#ifndef TESTS_ENGINE_ARCHITECTURES_H
#define TESTS_ENGINE_ARCHITECTURES_H

#define FOLDER "tests/data/architectures/"

static const char *const files[] = {
    "gpt2",
    "gpt2/model.gguf",
    "gpt2-prefixed",
    "llama2",
    "llama2/model.gguf",
    "llama3",
    "llama3/model.gguf",
    "llama-biased",
    "mistral",
    "mistral/model.gguf",
    "mistral-full",
    "qwen2",
    "qwen2/model.gguf",
    "qwen2-window",
    "qwen3",
    "qwen3/model.gguf",
    "qwen3-window",
    "gemma3",
    "gemma3/model.gguf",
    "gemma3-nested",
};
enum { FILES = sizeof(files) / sizeof(*files) };

#endif
