import ArgumentParser
import RxCore
import RxTransport

/// Options of `afsfuse mount` for Rx.
struct RxArguments: ParsableArguments {
  @Option(
    name: .customLong("rx"),
    help: ArgumentHelp(
      "A parameter of Rx; may be repeated. Docs/mounting.md lists them: "
        + RxParameter.all.map(\.name).joined(separator: ", ") + ".", valueName: "key=value"))
  var rx: [String] = []

  @Option(
    help: ArgumentHelp(
      "Write all datagrams to this file (pcapng, for Wireshark), at most 256 MiB in it and FILE.1.", valueName: "file"),
    completion: .file())
  var rxTrace: String?

  @Option(
    help: ArgumentHelp(
      "Answer rxdebug also from this network (10.0.0.0/8); may be repeated. (default: this host only)",
      valueName: "network"))
  var rxDebugFrom: [String] = []

  func settings() throws(Failure) -> RxSettings {
    var settings = RxSettings()
    do throws(RxParameterError) {
      for assignment in rx { try settings.configuration.apply(assignment) }
    } catch {
      throw Failure(usage: "--rx: \(error)")
    }
    for text in rxDebugFrom {
      guard let network = RxNetwork(text) else { throw Failure(usage: "--rx-debug-from: '\(text)' is no IPv4 network") }
      settings.configuration.debugNetworks.append(network)
    }
    if let rxTrace { settings.tracePath = try MountArguments.absolute(rxTrace) }
    return settings
  }
}

/// What a daemon needs to know about its Rx.
struct RxSettings: Sendable {
  var configuration = RxEndpointConfiguration()
  /// nil for no trace.
  var tracePath: String?
}
