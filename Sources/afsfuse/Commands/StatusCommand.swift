import ArgumentParser

/// `afsfuse status`: what daemons say of themselves.
///
/// The mounts are a subcommand of their own, the default one: arguments of a command with subcommands would swallow the
/// subcommands' names.
struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Shows mounts, cells, servers, volumes, and what is held and under way.",
    discussion: """
      'afsfuse status FOLDER' shows one mount alone, and so does 'afsfuse status rx FOLDER'. With --json, an array for scripts. \
      'afsfuse help status mounts' and 'afsfuse help status rx' list the options.
      """,
    subcommands: [MountsStatusCommand.self, RxStatusCommand.self], defaultSubcommand: MountsStatusCommand.self)
}
