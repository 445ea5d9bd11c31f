// SPDX-License-Identifier: MIT
#include "vesc/forming/matrix.hpp"

#include "vesc/forming/pairs.hpp"

#include <fcntl.h>
#include <lzma.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/format.h>

namespace vesc::forming {
namespace {

constexpr std::size_t kTextBytesMax = std::size_t{1} << 30;  // after decompression
constexpr std::size_t kDenseSizeMax = 20'000;                // 1.6 GB of cells
constexpr std::size_t kSparseSizeMax = 1'000'000;

Error bad(const std::string& name, std::size_t row, std::size_t column, const std::string& why) {
  return {ErrorCode::kInvalidInput,
          fmt::format("{}: row {}, column {}: {}", name, row + 1, column + 1, why)};
}

struct Line {
  std::size_t number;  // in the file, from 0
  std::vector<std::string_view> words;
};

// The next line that has words; '#' starts a comment line.
std::optional<Line> next_line(std::string_view text, std::size_t& at, std::size_t& number) {
  while (at < text.size()) {
    std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    Line result{number++, {}};
    for (std::size_t i = 0; i < line.size();) {
      std::size_t start = line.find_first_not_of(" \t\r", i);
      if (start == std::string_view::npos || (result.words.empty() && line[start] == '#')) break;
      std::size_t stop = std::min(line.find_first_of(" \t\r", start), line.size());
      result.words.push_back(line.substr(start, stop - start));
      i = stop;
    }
    if (!result.words.empty()) return result;
  }
  return std::nullopt;
}

// Milliseconds to microseconds; unknown for '-', nan and negative numbers; nothing if no number.
std::optional<std::uint32_t> parse_cell(std::string_view word) {
  if (word == "-") return kUnknownRttUs;
  double ms = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), ms);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  if (std::isnan(ms) || ms < 0) return kUnknownRttUs;
  double us = std::round(ms * 1000);
  if (us >= kUnknownRttUs) return std::nullopt;
  // 0 means "below the clock's grid or missing"; any positive time is at least 1 us.
  if (us == 0 && ms > 0) return 1;
  return static_cast<std::uint32_t>(us);
}

std::optional<std::size_t> parse_index(std::string_view word) {
  std::size_t value = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

struct SparsePair {
  std::uint32_t a, b, rtt_us;  // a < b
  auto operator<=>(const SparsePair&) const = default;
};

struct Sparse {
  std::size_t size = 0;
  std::vector<SparsePair> pairs;  // each once, none unknown
};

Result<Sparse> parse_sparse(std::string_view text, std::size_t at, std::size_t number,
                            const Line& header, const std::string& name, std::size_t size_max) {
  auto size = header.words.size() == 2 ? parse_index(header.words[1]) : std::nullopt;
  if (!size || *size == 0) return bad(name, header.number, 1, "the header is not 'sparse N'");
  if (*size > size_max)
    return bad(name, header.number, 1, fmt::format("more than {} nodes", size_max));
  Sparse sparse{*size, {}};
  while (auto line = next_line(text, at, number)) {
    if (line->words.size() != 3)
      return bad(name, line->number, line->words.size(), "a line has three words: i j rtt_ms");
    std::array<std::uint32_t, 2> ends{};
    for (std::size_t i = 0; i < 2; ++i) {
      auto index = parse_index(line->words[i]);
      if (!index || *index >= *size)
        return bad(
            name, line->number, i,
            fmt::format("'{}' is not a node number below {}", line->words[i].substr(0, 32), *size));
      ends[i] = static_cast<std::uint32_t>(*index);
    }
    auto cell = parse_cell(line->words[2]);
    if (!cell)
      return bad(name, line->number, 2,
                 fmt::format("'{}' is not a number of milliseconds", line->words[2].substr(0, 32)));
    if (ends[0] != ends[1])
      sparse.pairs.push_back({std::min(ends[0], ends[1]), std::max(ends[0], ends[1]),
                              *cell == 0 ? kUnknownRttUs : *cell});
  }
  // The largest of a pair's lines last, unknown above all.
  std::sort(sparse.pairs.begin(), sparse.pairs.end());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < sparse.pairs.size(); ++i) {
    const SparsePair& pair = sparse.pairs[i];
    bool last = i + 1 == sparse.pairs.size() || sparse.pairs[i + 1].a != pair.a ||
                sparse.pairs[i + 1].b != pair.b;
    if (last && pair.rtt_us != kUnknownRttUs) sparse.pairs[kept++] = pair;
  }
  sparse.pairs.resize(kept);
  return sparse;
}

struct CloseFile {
  void operator()(gzFile_s* file) const { gzclose(file); }
};

// zlib reads files that are not compressed as they are.
Result<std::string> read_plain_or_gzip(const std::string& path) {
  std::unique_ptr<gzFile_s, CloseFile> file(gzopen(path.c_str(), "rb"));
  if (file == nullptr) return system_error("cannot read " + path, errno);
  std::string text;
  std::array<char, 65536> buffer{};
  int got = 0;
  while ((got = gzread(file.get(), buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > kTextBytesMax)
      return Error{ErrorCode::kLimit, path + " is larger than 1 GiB"};
  }
  if (got < 0)
    return Error{ErrorCode::kInvalidInput,
                 path + ": cannot be read, or its compressed data is damaged"};
  return text;
}

Result<std::string> decompress_xz(const std::string& packed, const std::string& path) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, 256u << 20, LZMA_CONCATENATED) != LZMA_OK)
    return Error{ErrorCode::kSystem, "cannot start the xz decoder"};
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  std::string text;
  std::array<std::uint8_t, 65536> buffer{};
  lzma_ret state = LZMA_OK;
  while (state == LZMA_OK && text.size() <= kTextBytesMax) {
    stream.next_out = buffer.data();
    stream.avail_out = buffer.size();
    state = lzma_code(&stream, LZMA_FINISH);
    text.append(reinterpret_cast<const char*>(buffer.data()), buffer.size() - stream.avail_out);
  }
  lzma_end(&stream);
  if (text.size() > kTextBytesMax)
    return Error{ErrorCode::kLimit, path + " is larger than 1 GiB when unpacked"};
  if (state != LZMA_STREAM_END)
    return Error{ErrorCode::kInvalidInput, path + ": its compressed data is damaged"};
  return text;
}

}  // namespace

RttMatrix::RttMatrix(std::size_t size) : size_(size), cells_(size * size, kUnknownRttUs) {
  for (std::size_t i = 0; i < size; ++i) cells_[i * size + i] = 0;
}

std::uint32_t RttMatrix::pair_us(std::size_t a, std::size_t b) const {
  if (a == b) return 0;
  std::uint32_t larger = std::max(directed_us(a, b), directed_us(b, a));
  return larger == 0 ? kUnknownRttUs : larger;
}

RttMatrix RttMatrix::submatrix(const std::vector<std::size_t>& nodes) const {
  RttMatrix part(nodes.size());
  for (std::size_t a = 0; a < nodes.size(); ++a) {
    for (std::size_t b = 0; b < nodes.size(); ++b) {
      if (a != b) part.set_directed_us(a, b, directed_us(nodes[a], nodes[b]));
    }
  }
  return part;
}

std::uint32_t RttMatrix::largest_pair_us() const {
  std::uint32_t largest = 0;
  for (std::size_t a = 0; a < size_; ++a) {
    for (std::size_t b = a + 1; b < size_; ++b) {
      if (std::uint32_t us = pair_us(a, b); us != kUnknownRttUs) largest = std::max(largest, us);
    }
  }
  return largest;
}

Result<RttMatrix> parse_matrix(std::string_view text, const std::string& name) {
  std::size_t at = 0, number = 0;
  auto line = next_line(text, at, number);
  if (!line) return bad(name, 0, 0, "the file is empty");
  if (line->words[0] == "sparse") {
    auto sparse = parse_sparse(text, at, number, *line, name, kDenseSizeMax);
    if (!sparse) return sparse.error();
    RttMatrix matrix(sparse->size);
    for (const SparsePair& pair : sparse->pairs) {
      matrix.set_directed_us(pair.a, pair.b, pair.rtt_us);
      matrix.set_directed_us(pair.b, pair.a, pair.rtt_us);
    }
    return matrix;
  }
  std::size_t size = line->words.size();
  if (size > kDenseSizeMax)
    return bad(name, line->number, kDenseSizeMax,
               fmt::format("more than {} columns; use the sparse format", kDenseSizeMax));
  // A row is at least 2 bytes a cell: a huge first row in a small file allocates nothing.
  if (size * size > text.size())
    return bad(name, line->number, size - 1, fmt::format("{} columns but not as many rows", size));
  RttMatrix matrix(size);
  std::size_t row = 0;
  for (; line; line = next_line(text, at, number), ++row) {
    if (row == size)
      return bad(name, line->number, 0, fmt::format("more rows than the {} columns", size));
    if (line->words.size() != size)
      return bad(name, line->number, line->words.size(),
                 fmt::format("{} numbers where the first row has {}", line->words.size(), size));
    for (std::size_t column = 0; column < size; ++column) {
      auto cell = parse_cell(line->words[column]);
      if (!cell)
        return bad(
            name, line->number, column,
            fmt::format("'{}' is not a number of milliseconds", line->words[column].substr(0, 32)));
      if (column != row) matrix.set_directed_us(row, column, *cell);
    }
  }
  if (row != size) return bad(name, number, 0, fmt::format("{} rows but {} columns", row, size));
  return matrix;
}

namespace {

Result<std::string> read_unpacked(const std::string& path) {
  auto text = read_plain_or_gzip(path);
  constexpr std::string_view kXzMagic("\xFD\x37zXZ\0", 6);
  if (text && text->compare(0, kXzMagic.size(), kXzMagic) == 0) return decompress_xz(*text, path);
  return text;
}

}  // namespace

Result<RttMatrix> read_matrix(const std::string& path) {
  auto text = read_unpacked(path);
  if (!text) return text.error();
  return parse_matrix(*text, path);
}

Result<Pairs> parse_pairs(std::string_view text, const std::string& name) {
  std::size_t at = 0, number = 0;
  auto line = next_line(text, at, number);
  if (!line || line->words[0] != "sparse") {
    auto matrix = parse_matrix(text, name);
    if (!matrix) return matrix.error();
    return Pairs(*matrix);
  }
  auto sparse = parse_sparse(text, at, number, *line, name, kSparseSizeMax);
  if (!sparse) return sparse.error();
  std::vector<std::vector<Near>> lists(sparse->size);
  for (const SparsePair& pair : sparse->pairs) lists[pair.a].push_back({pair.rtt_us, pair.b});
  return Pairs(std::move(lists));
}

Result<Pairs> read_pairs(const std::string& path) {
  auto text = read_unpacked(path);
  if (!text) return text.error();
  return parse_pairs(*text, path);
}

Result<void> write_matrix(const RttMatrix& matrix, const std::string& path,
                          const std::string& comment) {
  std::string text;
  for (std::size_t at = 0; at < comment.size();) {
    std::size_t end = std::min(comment.find('\n', at), comment.size());
    text += "# " + comment.substr(at, end - at) + "\n";
    at = end + 1;
  }
  for (std::size_t row = 0; row < matrix.size(); ++row) {
    for (std::size_t column = 0; column < matrix.size(); ++column) {
      std::uint32_t us = matrix.directed_us(row, column);
      if (column > 0) text += ' ';
      text += us == kUnknownRttUs ? "-" : fmt::format("{}.{:03}", us / 1000, us % 1000);
    }
    text += '\n';
  }
  std::string partial = path + ".partial";
  int fd = open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return system_error("cannot write " + partial, errno);
  bool done =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  int error = errno;
  close(fd);
  if (!done || rename(partial.c_str(), path.c_str()) != 0) {
    if (done) error = errno;
    unlink(partial.c_str());
    return system_error("cannot write " + path, error);
  }
  return {};
}

}  // namespace vesc::forming
