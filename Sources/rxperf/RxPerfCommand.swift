import ArgumentParser

/// `rxperf`: measures Rx between two hosts, and checks what arrives.
@main
struct RxPerfCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rxperf",
    abstract: "Measures Rx: throughput, calls per second, latency.",
    discussion: """
      Speaks the protocol of OpenAFS's rxperf (service 147), as client and as server: either side may be OpenAFS's. \
      Exit status: 0, 1 when something could not be done or data was corrupt, 64 when the command line is wrong.
      """,
    subcommands: [ServerCommand.self, ClientCommand.self])
}
