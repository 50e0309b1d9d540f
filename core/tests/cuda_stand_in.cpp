// The CUDA library's source, compiled for the CPU: the same code, a thread after the other.
#include "../src/simulate/cuda/direct.cu"
