// SPDX-License-Identifier: MIT
//
// vesc docs man|completion: the man pages and the shell completion, made from the same description
// of the commands that parses them, so that neither can be out of date.
#include "commands.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "vesc/base/version.hpp"

namespace vesc::cli {
namespace {

namespace fs = std::filesystem;

std::string full_name(const CLI::App& app) {
  std::string name = app.get_name();
  for (const CLI::App* up = app.get_parent(); up != nullptr; up = up->get_parent())
    name = up->get_name() + " " + name;
  return name;
}

std::vector<const CLI::App*> subcommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
}

std::vector<const CLI::Option*> shown_options(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return !option->get_group().empty(); });
}

// Text that roff takes literally.
std::string roff(const std::string& text) {
  std::string out;
  bool line_start = true;
  for (char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
    line_start = c == '\n';
  }
  return out;
}

std::string man_page(const CLI::App& app) {
  std::string name = full_name(app), title = name;
  std::replace(title.begin(), title.end(), ' ', '-');
  std::string text = fmt::format(
      ".TH {} 1 \"\" \"vesc {}\" \"VESC manual\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.B {}\n",
      title, vesc::version(), roff(title), roff(app.get_description()), roff(name));
  auto options = shown_options(app);
  auto subs = subcommands(app);
  if (!options.empty()) text += "[\\fIoptions\\fR]\n";
  if (!subs.empty()) text += "\\fIcommand\\fR ...\n";
  for (const CLI::Option* option : options) {
    if (option->get_positional()) text += fmt::format("\\fI{}\\fR\n", roff(option->get_name()));
  }
  if (!subs.empty()) text += ".SH COMMANDS\n";
  for (const CLI::App* sub : subs) {
    std::string page = full_name(*sub);
    std::replace(page.begin(), page.end(), ' ', '-');
    text += fmt::format(".TP\n\\fB{}\\fR(1)\n{}\n", roff(page), roff(sub->get_description()));
  }
  if (!options.empty()) text += ".SH OPTIONS\n";
  for (const CLI::Option* option : options) {
    text += fmt::format(".TP\n\\fB{}\\fR", roff(option->get_name(false, true)));
    if (option->get_type_size() > 0) text += fmt::format(" \\fI{}\\fR", option->get_type_name());
    text += "\n" + roff(option->get_description());
    if (!option->get_default_str().empty())
      text += fmt::format(" (default: {})", roff(option->get_default_str()));
    text += "\n";
  }
  if (!app.get_footer().empty()) text += ".SH NOTES\n.nf\n" + roff(app.get_footer()) + "\n.fi\n";
  text +=
      ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage or input, 3 the answer is \"there is "
      "none\".\n";
  return text;
}

// One man page a command, in `directory`.
Result<void> write_man_pages(const CLI::App& app, const fs::path& directory) {
  std::string file = full_name(app) + ".1";
  std::replace(file.begin(), file.end(), ' ', '-');
  std::ofstream out(directory / file);
  out << man_page(app);
  if (!out.flush()) return system_error("cannot write " + (directory / file).string(), errno);
  for (const CLI::App* sub : subcommands(app)) {
    if (auto done = write_man_pages(*sub, directory); !done) return done;
  }
  return {};
}

// "path of command words" -> what may follow, one case a command.
void add_cases(const CLI::App& app, std::string& text) {
  std::string words;
  for (const CLI::App* sub : subcommands(app)) words += sub->get_name() + " ";
  for (const CLI::Option* option : shown_options(app)) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  text += fmt::format("    '{}') words='{}' ;;\n", full_name(app), words);
  for (const CLI::App* sub : subcommands(app)) add_cases(*sub, text);
}

std::string bash_completion(const CLI::App& app) {
  std::string text =
      "# bash completion for vesc; made by 'vesc docs completion'. zsh: after bashcompinit.\n"
      "_vesc() {\n"
      "  local word path=vesc next words= current=${COMP_WORDS[COMP_CWORD]}\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    [[ $word == -- ]] && return\n"
      "    next=\"$path $word\"\n"
      "    case $next in\n";
  std::string cases;
  add_cases(app, cases);
  for (std::istringstream lines(cases); std::getline(lines, cases);)
    text += "    " + cases.substr(0, cases.find(')') + 1) + " path=$next ;;\n";
  text +=
      "    esac\n"
      "  done\n"
      "  case $path in\n";
  add_cases(app, text);
  text +=
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  [[ ${#COMPREPLY[@]} -gt 0 || $current == -* ]] || COMPREPLY=($(compgen -f -- "
      "\"$current\"))\n"
      "}\n"
      "complete -o filenames -F _vesc vesc\n";
  return text;
}

}  // namespace

void add_docs_commands(CLI::App& app) {
  auto* docs = app.add_subcommand("docs", "man pages and shell completion, as files");
  docs->require_subcommand(1);
  auto* man = docs->add_subcommand("man", "write one man page a command into a directory");
  auto directory = std::make_shared<std::string>();
  man->add_option("directory", *directory, "an existing directory")->required();
  man->footer("Example:\n  vesc docs man /usr/local/share/man/man1");
  run(man, [&app, directory]() -> Result<int> {
    if (!fs::is_directory(*directory))
      return Error{ErrorCode::kInvalidInput, *directory + " is no directory"};
    if (auto done = write_man_pages(app, *directory); !done) return done.error();
    return 0;
  });
  auto* completion = docs->add_subcommand("completion", "print the completion for bash and zsh");
  completion->footer(
      "Example:\n  vesc docs completion > /usr/share/bash-completion/completions/vesc");
  run(completion, [&app]() -> Result<int> {
    fmt::print("{}", bash_completion(app));
    return 0;
  });
}

}  // namespace vesc::cli
