# The sources of engine/cuda, once: for nvcc here, and for the emulator in tests/engine/cuda.
set(ES_CUDA_SOURCES
  check.cpp
  context.cpp
  cuda_backend.cpp
  device.cu
  expert_order.cu
  expert_rows.cu
  expert_tiles_bf16.cu
  expert_tiles_f32.cu
  expert_weights.cu
  experts.cu
  memory.cpp
  rms_norm.cu
  router.cpp
  routing.cu
  staging.cpp
  weight.cu)
