import ArgumentParser

/// `rxperf`: measures Rx between two hosts, and checks what arrives.
@main
struct RxPerfCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rxperf",
    abstract: "Measures Rx: throughput, calls per second, latency.",
    discussion: """
      Speaks the protocol of OpenAFS's rxperf (service 147), as client and as server: either side may be OpenAFS's.
      """,
    subcommands: [ServerCommand.self, ClientCommand.self])
}
