# The sources of engine/cuda, once: for nvcc here, and for the emulator in tests/engine/cuda.
set(ES_CUDA_SOURCES
  check.cpp
  context.cpp
  cuda_backend.cpp
  device.cu
  memory.cpp
  rms_norm.cu
  staging.cpp
  weight.cu)
