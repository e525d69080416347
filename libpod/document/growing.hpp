// A vector of plain values that grows where it lies: large blocks are moved by the system page by page (mremap), so
// that a document is never held twice while it is read, and what is reserved ahead takes no memory before it is used.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace pod::document {

template <class T>
class Growing {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  Growing() = default;
  Growing(Growing&& other) noexcept
      : data_(std::move(other.data_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Growing& operator=(Growing&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }
  T& operator[](std::size_t at) noexcept { return data_.get()[at]; }
  const T& operator[](std::size_t at) const noexcept { return data_.get()[at]; }
  T& back() noexcept { return data_.get()[size_ - 1]; }
  std::span<T> all() noexcept { return {data_.get(), size_}; }
  std::span<const T> all() const noexcept { return {data_.get(), size_}; }

  void push_back(T value) {
    if (size_ == capacity_) grow(1);
    data_.get()[size_++] = value;
  }
  /// `values` may lie in this vector's own memory only if there is room left; readers give spans of other memory.
  void append(std::span<const T> values) {
    if (values.empty()) return;
    if (capacity_ - size_ < values.size()) grow(values.size());
    std::memcpy(static_cast<void*>(data_.get() + size_), values.data(), values.size_bytes());
    size_ += values.size();
  }
  void pop_back() noexcept { --size_; }
  void shorten(std::size_t size) noexcept { size_ = size; }

 private:
  struct Free {
    void operator()(T* data) const noexcept { std::free(data); }
  };
  void grow(std::size_t by) {
    const std::size_t wanted = std::max<std::size_t>({size_ + by, capacity_ + capacity_ / 2, 64});
    if (wanted > PTRDIFF_MAX / sizeof(T)) throw std::bad_alloc();
    auto* moved = static_cast<T*>(std::realloc(static_cast<void*>(data_.get()), wanted * sizeof(T)));
    if (moved == nullptr) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(moved);
    capacity_ = wanted;
  }

  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace pod::document
