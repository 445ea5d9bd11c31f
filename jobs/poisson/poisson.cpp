// SPDX-License-Identifier: MIT
//
// Conjugate gradients for the 3-D Poisson problem -laplace(u) = f on the unit cube, u = 0 on its
// boundary, discretised by trilinear finite elements on n^3 cells: a 27-point operator, as in HPCG.
// The interior nodes are split into blocks over a 3-D grid of ranks; a block exchanges a layer with
// each of its up to 26 neighbours, diagonal ones included, and every iteration has two global
// reductions. The right-hand side belongs to a known solution, so the program checks its own
// answer: the error is that of the discretisation, O(h^2), and the iteration stops when it is
// reached.
#include <mpi.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int kIterationsMax = 200;
// Relative L2 error of the converged discrete solution is below this times h^2 for the solution
// below (measured at n = 8 to 64, see README.md); the iteration may stop within it.
constexpr double kErrorConstant = 9.0;
constexpr int kWarmUp = 3;  // iterations not counted: connections are made in them

struct Options {
  int n = 32;
  int repeat = 1;
  bool json = false;
  double error_bound = 0;  // 0: from h
};

// The known solution: a product of one factor t(1-t)exp(at) a direction, zero on the boundary and
// with a different slope in each, so that many modes of the operator take part.
constexpr std::array<double, 3> kSlope = {2.0, -1.0, 3.0};

double factor(std::size_t d, double t) {
  return t * (1 - t) * std::exp(kSlope[d] * t);
}
double factor_second_derivative(std::size_t d, double t) {
  double a = kSlope[d];
  return (-2 + 2 * a * (1 - 2 * t) + a * a * t * (1 - t)) * std::exp(a * t);
}
double exact(double x, double y, double z) {
  return factor(0, x) * factor(1, y) * factor(2, z);
}
double source(double x, double y, double z) {
  return -(factor_second_derivative(0, x) * factor(1, y) * factor(2, z) +
           factor(0, x) * factor_second_derivative(1, y) * factor(2, z) +
           factor(0, x) * factor(1, y) * factor_second_derivative(2, z));
}

double g_mpi_seconds = 0;  // spent inside MPI calls of the iteration

struct InMpi {
  double start = MPI_Wtime();
  ~InMpi() { g_mpi_seconds += MPI_Wtime() - start; }
};

// A rank's block of interior nodes, with one layer of ghosts around it.
class Block {
 public:
  Block(MPI_Comm grid, int n) : grid_(grid), n_(n) {
    std::array<int, 3> periods{};
    MPI_Cart_get(grid, 3, ranks_.data(), periods.data(), place_.data());
    for (std::size_t d = 0; d < 3; ++d) {
      int nodes = n - 1;
      first_[d] = 1 + nodes * place_[d] / ranks_[d];
      size_[d] = 1 + nodes * (place_[d] + 1) / ranks_[d] - first_[d];
    }
    find_neighbours();
  }

  std::size_t bytes() const {
    return static_cast<std::size_t>((size_[0] + 2) * (size_[1] + 2) * (size_[2] + 2));
  }
  std::size_t at(int i, int j, int k) const {
    return static_cast<std::size_t>(((i + 1) * (size_[1] + 2) + j + 1) * (size_[2] + 2) + k + 1);
  }

  template <typename F>
  void each(F&& f) const {
    for (int i = 0; i < size_[0]; ++i)
      for (int j = 0; j < size_[1]; ++j)
        for (int k = 0; k < size_[2]; ++k) f(i, j, k);
  }
  double x(int d, int i) const {
    return static_cast<double>(first_[static_cast<std::size_t>(d)] + i) / n_;
  }

  // Fills the ghosts of `v` from the neighbours; those on the cube's boundary stay 0.
  void exchange(std::vector<double>& v) {
    for (Neighbour& other : neighbours_) pack(v, other);
    InMpi timer;
    std::vector<MPI_Request> requests;
    for (Neighbour& other : neighbours_) {
      requests.emplace_back();
      MPI_Irecv(other.in.data(), static_cast<int>(other.in.size()), MPI_DOUBLE, other.rank,
                26 - other.tag, grid_, &requests.back());
    }
    for (Neighbour& other : neighbours_) {
      requests.emplace_back();
      MPI_Isend(other.out.data(), static_cast<int>(other.out.size()), MPI_DOUBLE, other.rank,
                other.tag, grid_, &requests.back());
    }
    MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
    for (Neighbour& other : neighbours_) unpack(v, other);
  }

 private:
  struct Neighbour {
    int rank, tag;
    std::array<int, 3> side;  // -1, 0 or 1 in each direction
    std::vector<double> in, out;
  };

  void find_neighbours() {
    for (int tag = 0; tag < 27; ++tag) {
      std::array<int, 3> side = {tag / 9 - 1, tag / 3 % 3 - 1, tag % 3 - 1};
      std::array<int, 3> there{};
      bool inside = tag != 13;
      std::size_t count = 1;
      for (std::size_t d = 0; d < 3; ++d) {
        there[d] = place_[d] + side[d];
        inside = inside && there[d] >= 0 && there[d] < ranks_[d];
        count *= side[d] == 0 ? static_cast<std::size_t>(size_[d]) : 1;
      }
      if (!inside) continue;
      int rank = 0;
      MPI_Cart_rank(grid_, there.data(), &rank);
      neighbours_.push_back(
          {rank, tag, side, std::vector<double>(count), std::vector<double>(count)});
    }
  }

  // The index range of a side: `ghost` layers outside the block, or the block's own outermost.
  std::pair<int, int> range(std::size_t d, int side, bool ghost) const {
    if (side == 0) return {0, size_[d]};
    int index = side < 0 ? (ghost ? -1 : 0) : (ghost ? size_[d] : size_[d] - 1);
    return {index, index + 1};
  }
  template <typename F>
  void each_of(const Neighbour& other, bool ghost, F&& f) const {
    auto [i0, i1] = range(0, other.side[0], ghost);
    auto [j0, j1] = range(1, other.side[1], ghost);
    auto [k0, k1] = range(2, other.side[2], ghost);
    std::size_t at_buffer = 0;
    for (int i = i0; i < i1; ++i)
      for (int j = j0; j < j1; ++j)
        for (int k = k0; k < k1; ++k) f(at(i, j, k), at_buffer++);
  }
  void pack(const std::vector<double>& v, Neighbour& other) {
    each_of(other, false, [&](std::size_t cell, std::size_t b) { other.out[b] = v[cell]; });
  }
  void unpack(std::vector<double>& v, const Neighbour& other) {
    each_of(other, true, [&](std::size_t cell, std::size_t b) { v[cell] = other.in[b]; });
  }

  MPI_Comm grid_;
  int n_;
  std::array<int, 3> ranks_{}, place_{}, first_{}, size_{};
  std::vector<Neighbour> neighbours_;
};

// The element matrices of one direction: stiffness (-1, 2, -1)/h and mass h(1, 4, 1)/6. The 3-D
// operator is the sum of stiffness in one direction times mass in the other two.
struct Stencil {
  std::array<double, 27> stiffness{}, mass{};
  explicit Stencil(double h) {
    auto k = [&](int d) { return (d == 0 ? 2.0 : -1.0) / h; };
    auto m = [&](int d) { return (d == 0 ? 4.0 : 1.0) * h / 6; };
    for (int s = 0; s < 27; ++s) {
      int a = s / 9 - 1, b = s / 3 % 3 - 1, c = s % 3 - 1;
      auto at = static_cast<std::size_t>(s);
      stiffness[at] = k(a) * m(b) * m(c) + m(a) * k(b) * m(c) + m(a) * m(b) * k(c);
      mass[at] = m(a) * m(b) * m(c);
    }
  }
};

double sum_over_ranks(double local, MPI_Comm grid) {
  InMpi timer;
  double total = 0;
  MPI_Allreduce(&local, &total, 1, MPI_DOUBLE, MPI_SUM, grid);
  return total;
}

struct Outcome {
  int iterations = 0;
  double error_norm = 1;
  std::vector<double> iteration_seconds, mpi_seconds;
};

class Solver {
 public:
  Solver(MPI_Comm grid, int n) : grid_(grid), block_(grid, n), stencil_(1.0 / n), h_(1.0 / n) {
    for (auto* v : {&u_, &r_, &p_, &ap_, &f_, &exact_}) v->assign(block_.bytes(), 0);
  }

  Outcome solve(double error_bound) {
    set_up();
    Outcome outcome;
    double rr = dot(r_, r_);
    double exact_norm = std::sqrt(dot(exact_, exact_));
    double stop = 0;
    for (int it = 1; it <= kIterationsMax; ++it) {
      double start = MPI_Wtime();
      g_mpi_seconds = 0;
      block_.exchange(p_);
      apply(p_, ap_, stencil_.stiffness);
      double alpha = rr / dot(p_, ap_);
      double rr_next = update(alpha);
      double beta = rr_next / rr;
      rr = rr_next;
      block_.each([&](int i, int j, int k) {
        std::size_t c = block_.at(i, j, k);
        p_[c] = r_[c] + beta * p_[c];
      });
      outcome.iteration_seconds.push_back(MPI_Wtime() - start);
      outcome.mpi_seconds.push_back(g_mpi_seconds);
      // The check of the answer is not part of an iteration of the method, and costs a reduction:
      // it is made when the residual says that it may succeed.
      outcome.iterations = it;
      if (it == 1) stop = rr * 1e-3;
      if (rr > stop) continue;
      outcome.error_norm = error() / exact_norm;
      if (outcome.error_norm <= error_bound || rr < 1e-28) break;
      stop = rr * 0.3;
    }
    return outcome;
  }

 private:
  void set_up() {
    std::fill(u_.begin(), u_.end(), 0.0);
    std::fill(p_.begin(), p_.end(), 0.0);
    block_.each([&](int i, int j, int k) {
      double x = block_.x(0, i), y = block_.x(1, j), z = block_.x(2, k);
      exact_[block_.at(i, j, k)] = exact(x, y, z);
      f_[block_.at(i, j, k)] = source(x, y, z);
    });
    block_.exchange(f_);
    apply(f_, r_, stencil_.mass);  // the right-hand side: mass matrix times the source at the nodes
    block_.each([&](int i, int j, int k) { p_[block_.at(i, j, k)] = r_[block_.at(i, j, k)]; });
  }

  void apply(const std::vector<double>& in, std::vector<double>& out,
             const std::array<double, 27>& s) const {
    block_.each([&](int i, int j, int k) {
      double sum = 0;
      std::size_t w = 0;
      for (int a = -1; a <= 1; ++a)
        for (int b = -1; b <= 1; ++b)
          for (int c = -1; c <= 1; ++c) sum += s[w++] * in[block_.at(i + a, j + b, k + c)];
      out[block_.at(i, j, k)] = sum;
    });
  }

  double update(double alpha) {
    double local = 0;
    block_.each([&](int i, int j, int k) {
      std::size_t c = block_.at(i, j, k);
      u_[c] += alpha * p_[c];
      r_[c] -= alpha * ap_[c];
      local += r_[c] * r_[c];
    });
    return sum_over_ranks(local, grid_);
  }

  double dot(const std::vector<double>& a, const std::vector<double>& b) const {
    double local = 0;
    block_.each(
        [&](int i, int j, int k) { local += a[block_.at(i, j, k)] * b[block_.at(i, j, k)]; });
    return sum_over_ranks(local, grid_);
  }

  double error() const {
    double local = 0;
    block_.each([&](int i, int j, int k) {
      double d = u_[block_.at(i, j, k)] - exact_[block_.at(i, j, k)];
      local += d * d;
    });
    return std::sqrt(sum_over_ranks(local, grid_));
  }

  MPI_Comm grid_;
  Block block_;
  Stencil stencil_;
  double h_;
  std::vector<double> u_, r_, p_, ap_, f_, exact_;
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Timing {
  double ms_per_iteration = 0, mean_ms = 0, mpi_share = 0;
  std::size_t counted = 0;
};

// An iteration takes as long as its slowest rank.
Timing timing_of(const std::vector<Outcome>& runs, MPI_Comm grid) {
  std::vector<double> seconds, mpi;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    std::size_t skip =
        run == 0 ? std::min<std::size_t>(kWarmUp, runs[run].iteration_seconds.size() - 1) : 0;
    seconds.insert(seconds.end(),
                   runs[run].iteration_seconds.begin() + static_cast<std::ptrdiff_t>(skip),
                   runs[run].iteration_seconds.end());
    mpi.insert(mpi.end(), runs[run].mpi_seconds.begin() + static_cast<std::ptrdiff_t>(skip),
               runs[run].mpi_seconds.end());
  }
  std::vector<double> slowest(seconds.size());
  MPI_Allreduce(seconds.data(), slowest.data(), static_cast<int>(seconds.size()), MPI_DOUBLE,
                MPI_MAX, grid);
  double totals[2] = {0, 0}, all[2];
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    totals[0] += mpi[i];
    totals[1] += seconds[i];
  }
  MPI_Allreduce(totals, all, 2, MPI_DOUBLE, MPI_SUM, grid);
  Timing timing;
  timing.counted = seconds.size();
  timing.ms_per_iteration = median(slowest) * 1000;
  for (double s : slowest) timing.mean_ms += s * 1000 / static_cast<double>(slowest.size());
  timing.mpi_share = all[1] > 0 ? all[0] / all[1] : 0;
  return timing;
}

std::vector<std::string> host_names(MPI_Comm grid, int ranks) {
  char name[MPI_MAX_PROCESSOR_NAME] = {};
  int length = 0;
  MPI_Get_processor_name(name, &length);
  std::vector<char> all(static_cast<std::size_t>(ranks) * MPI_MAX_PROCESSOR_NAME);
  MPI_Allgather(name, MPI_MAX_PROCESSOR_NAME, MPI_CHAR, all.data(), MPI_MAX_PROCESSOR_NAME,
                MPI_CHAR, grid);
  std::vector<std::string> names;
  for (int r = 0; r < ranks; ++r)
    names.emplace_back(all.data() + static_cast<std::size_t>(r) * MPI_MAX_PROCESSOR_NAME);
  return names;
}

int usage(const char* why) {
  std::fprintf(stderr,
               "poisson: %s\n"
               "usage: poisson [--n CELLS] [--repeat TIMES] [--error-bound E] [--json]\n"
               "  --n CELLS        cells in each direction, 4 to 512 (default 32)\n"
               "  --repeat TIMES   solve so often, 1 to 100 (default 1)\n"
               "  --error-bound E  the relative error that counts as right (default 9/n^2)\n"
               "exit codes: 0 the answer is right, 1 it is wrong, 2 wrong usage\n",
               why);
  return 2;
}

// 0, or the exit code.
int parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--json") {
      options.json = true;
      continue;
    }
    if (i + 1 == argc) return usage(("'" + word + "' is unknown or lacks its value").c_str());
    double value = std::atof(argv[++i]);
    if (word == "--n" && value >= 4 && value <= 512)
      options.n = static_cast<int>(value);
    else if (word == "--repeat" && value >= 1 && value <= 100)
      options.repeat = static_cast<int>(value);
    else if (word == "--error-bound" && value > 0)
      options.error_bound = value;
    else
      return usage(("'" + word + " " + argv[i] + "' is unknown or out of range").c_str());
  }
  return 0;
}

int solve_and_report(const Options& options, int ranks) {
  std::array<int, 3> dims{}, periods{};
  MPI_Dims_create(ranks, 3, dims.data());
  if (dims[0] >= options.n) return usage("more ranks in a direction than nodes");
  MPI_Comm grid = MPI_COMM_NULL;
  MPI_Cart_create(MPI_COMM_WORLD, 3, dims.data(), periods.data(), 0, &grid);
  int rank = 0;
  MPI_Comm_rank(grid, &rank);
  double bound =
      options.error_bound > 0 ? options.error_bound : kErrorConstant / (options.n * options.n);
  Solver solver(grid, options.n);
  MPI_Barrier(grid);
  double start = MPI_Wtime();
  std::vector<Outcome> runs;
  for (int i = 0; i < options.repeat; ++i) runs.push_back(solver.solve(bound));
  double seconds = MPI_Wtime() - start;
  Timing timing = timing_of(runs, grid);
  std::vector<std::string> hosts = host_names(grid, ranks);
  const Outcome& last = runs.back();
  bool right = last.error_norm <= bound;
  if (rank == 0) {
    std::printf("%d ranks, %d^3 cells: %d iterations, relative error %.3e (bound %.3e): %s\n",
                ranks, options.n, last.iterations, last.error_norm, bound,
                right ? "right" : "WRONG");
    std::printf("%.3f ms per iteration (median of %zu), %.0f %% of the time in MPI\n",
                timing.ms_per_iteration, timing.counted, timing.mpi_share * 100);
    if (options.json) {
      std::printf(
          "{\"ranks\":%d,\"n\":%d,\"iterations\":%d,\"error_norm\":%.6e,\"error_bound\":%.6e,"
          "\"ok\":%s,\"ms_per_iteration\":%.4f,\"mean_ms_per_iteration\":%.4f,\"mpi_share\":%.4f,"
          "\"solve_seconds\":%.4f,\"hosts\":[",
          ranks, options.n, last.iterations, last.error_norm, bound, right ? "true" : "false",
          timing.ms_per_iteration, timing.mean_ms, timing.mpi_share, seconds);
      for (std::size_t i = 0; i < hosts.size(); ++i)
        std::printf("%s\"%s\"", i == 0 ? "" : ",", hosts[i].c_str());
      std::printf("]}\n");
    }
  }
  MPI_Comm_free(&grid);
  return right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int ranks = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  Options options;
  int code = parse(argc, argv, options);
  if (code == 0) code = solve_and_report(options, ranks);
  MPI_Finalize();
  return code;
}
