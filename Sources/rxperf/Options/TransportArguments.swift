import ArgumentParser
import Logging
import ProgramEnd
import RxCore
import RxTransport

/// Options of both sides: the endpoint's parameters, the packet trace.
struct TransportArguments: ParsableArguments {
  @Option(
    name: .customLong("rx"),
    help: ArgumentHelp(
      "A parameter of the Rx endpoint; may be repeated. Docs/mounting.md explains them: "
        + RxParameter.all.map(\.name).joined(separator: ", ") + ".", valueName: "key=value"))
  var parameters: [String] = []

  @Option(
    name: [.customShort("W"), .customLong("window")],
    help: ArgumentHelp("Largest window in both directions, in packets.", valueName: "packets"))
  var window: Int?

  @Option(
    name: [.customShort("u"), .customLong("udp-buffer")],
    help: ArgumentHelp("Size of the socket's buffers.", valueName: "KiB"))
  var udpBuffer: Int = 8192

  @Option(
    help: ArgumentHelp(
      "How long an I/O thread looks for packets again and again before it sleeps, while they come that quickly; 0: it sleeps.",
      valueName: "microseconds"))
  var spin = 50

  @Option(
    help: ArgumentHelp(
      "Write all datagrams to this file (pcapng, for Wireshark); of two files of 128 MiB the older one is FILE.1.",
      valueName: "file"), completion: .file())
  var trace: String?

  @Option(
    help: ArgumentHelp("Who gets answers to rxdebug, besides this host: 10.0.0.0/8.", valueName: "network"),
    transform: Self.network)
  var debugFrom: [RxNetwork] = []

  private static func network(_ text: String) throws -> RxNetwork {
    guard let network = RxNetwork(text) else { throw ValidationError("'\(text)' is no IPv4 network.") }
    return network
  }

  func validate() throws {
    guard (16...1 << 20).contains(udpBuffer) else { throw ValidationError("-u must be from 16 to 1048576 KiB.") }
    guard (0...1_000_000).contains(spin) else { throw ValidationError("--spin must be from 0 to 1000000 us.") }
    _ = try configuration()
  }

  func configuration() throws -> RxEndpointConfiguration {
    var configuration = RxEndpointConfiguration()
    do throws(RxParameterError) {
      if let window {
        try configuration.set("rx_window_size", to: String(window))
        try configuration.set("tx_window_size", to: String(window))
      }
      for parameter in parameters { try configuration.apply(parameter) }
    } catch {
      throw ValidationError(error.description)
    }
    configuration.versionText = "afsfuse rxperf"
    configuration.debugNetworks += debugFrom
    return configuration
  }

  /// The trace which was asked for.
  func openTrace() throws -> RxPacketTrace? {
    guard let trace else { return nil }
    do throws(RxTransportError) {
      return try RxPacketTrace(path: trace)
    } catch {
      throw RunFailure("--trace: \(error)")
    }
  }

  func openTransport(
    address: RxAddress?, port: UInt16, threads: Int = 1, trace: RxPacketTrace?
  ) throws -> RxTransport {
    var options = RxTransportOptions(address: address, port: port)
    options.threads = threads
    options.spin = .microseconds(spin)
    options.trace = trace
    options.socketBufferBytes = udpBuffer * 1024
    do {
      return try RxTransport(options: options, configuration: try configuration(), logger: Logger(label: "rxperf"))
    } catch let error as RxTransportError {
      throw RunFailure(Self.text(error, address: address, port: port))
    }
  }

  /// Says which address could not be had.
  private static func text(_ error: RxTransportError, address: RxAddress?, port: UInt16) -> String {
    var place = address
    place?.port = port
    if case .portTaken = error { return (place.map { "\($0): " } ?? "") + "\(error) (say -p to use another)" }
    return (place.map { "\($0)" } ?? "port \(port)") + ": \(error)"
  }
}
