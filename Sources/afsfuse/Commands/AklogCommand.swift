import AFSBase
import AFSClient
import AFSControl
import AFSCredentials
import AFSTypes
import ArgumentParser
import Glibc
import Logging
import RxCore
import RxTransport
import Synchronization

/// `afsfuse aklog`.
struct AklogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aklog",
    abstract: "Gets tokens with your Kerberos tickets, for the session keyring and running daemons.",
    discussion: """
      The servers of cell example.com are afs/example.com@REALM, or afs@REALM, in Kerberos. Mounts of your own get their \
      tokens by themselves: aklog is for shared mounts, other programs, and after a change of your groups. \
      Exit status, as OpenAFS's aklog: 0, 3 when nothing is known of the cell, 4 when Kerberos gives no ticket, 5 when \
      the token can be put nowhere, 64 when the command line is wrong.
      """)

  @Option(
    name: [.short, .long], parsing: .upToNextOption,
    help: ArgumentHelp("For these cells. Can be repeated. (default: ThisCell's)", valueName: "name"))
  var cell: [String] = []

  @Option(
    name: [.customShort("k"), .long],
    help: ArgumentHelp("The realm of the servers. (default: by krb5.conf's domain mapping)", valueName: "realm"))
  var realm: String?

  @Option(help: ArgumentHelp("With the tickets, or the keytab's key, of this principal.", valueName: "name"))
  var principal: String?

  @Option(
    help: ArgumentHelp("Get a ticket with this keytab instead of a credential cache.", valueName: "file"),
    completion: .file())
  var keytab: String?

  @Option(
    help: ArgumentHelp("Where CellServDB and ThisCell are. (default: /etc/openafs and the like)", valueName: "folder"),
    completion: .directory)
  var configDir: String?

  @Argument(help: .hidden)
  var strayWords: [String] = []

  func validate() throws { try StrayWords.refuse(strayWords) }

  /// Exit codes as aklog's (OpenAFS src/aklog/aklog.c).
  private enum Exit {
    static let afs: Int32 = 3
    static let kerberos: Int32 = 4
    static let token: Int32 = 5
  }

  private struct Trouble: Error {
    var lines: [String]
    var code: Int32
  }

  func run() throws {
    ProcessProtection.apply()
    let done = Monitor<Result<Void, any Error>?>(nil)
    Task {
      let result: Result<Void, any Error>
      do {
        result = .success(try await get())
      } catch {
        result = .failure(error)
      }
      done.change { $0 = result }
    }
    do {
      try done.wait(until: .distantFuture) { $0 }!.get()
    } catch let trouble as Trouble {
      for line in trouble.lines { printError("aklog: \(line)") }
      throw ExitCode(trouble.code)
    }
  }

  private func get() async throws(Trouble) {
    let known = try cells()
    let source: KerberosSource = keytab.map { .keytab($0, principal: principal) } ?? .cache(nil)
    let kerberos = KerberosTokens(source: source, principal: keytab == nil ? principal : nil, realm: realm)
    for cell in try wanted(known) {
      var token: Token
      do throws(KerberosError) {
        token = try await kerberos.token(for: cell, stamp: 0, now: SystemClock.wall)
      } catch {
        throw Trouble(
          lines: ["Couldn't get \(cell) AFS tickets:", "\(error) while getting AFS tickets"] + advice(error),
          code: Exit.kerberos)
      }
      token.viceID = await viceID(of: token, known)
      try handOver(token)
    }
  }

  private func advice(_ error: KerberosError) -> [String] {
    switch error {
    case .noCredentials, .expired: keytab == nil ? ["run kinit first"] : []
    case .unknownService, .unreachable, .other: []
    }
  }

  private func cells() throws(Trouble) -> Cells {
    do throws(Failure) {
      return try Cells(
        configurationFolder: configDir, cell: nil, cellServers: nil, seed: SystemClock.wall.nanoseconds.seed,
        logger: Logger(label: "aklog") { _ in SwiftLogNoOpLogHandler() })
    } catch {
      throw Trouble(lines: [error.text], code: Exit.afs)
    }
  }

  private func wanted(_ known: Cells) throws(Trouble) -> [CellName] {
    if cell.isEmpty {
      guard let local = known.configuration.localCell else {
        throw Trouble(
          lines: ["Can't get information about the local cell.", "there is no ThisCell: say -c CELL"], code: Exit.afs)
      }
      return [local]
    }
    var names: [CellName] = []
    for text in cell {
      guard let name = CellName(text) else {
        throw Trouble(lines: ["Can't get information about cell \(text).", "that is not a cell name"], code: Exit.afs)
      }
      names.append(name)
    }
    return names
  }

  /// The user's number at the protection service; a token is good without it.
  private func viceID(of token: Token, _ known: Cells) async -> Int32? {
    guard let name = token.protectionName else { return nil }
    var servers = known.configuration.cells.first { $0.name == token.cell }?.locationServers ?? []
    if servers.isEmpty { servers = (try? await known.resolver.locationServers(of: token.cell))?.servers ?? [] }
    let logger = Logger(label: "aklog") { _ in SwiftLogNoOpLogHandler() }
    guard !servers.isEmpty, let transport = try? RxTransport(options: RxTransportOptions(port: 0), logger: logger)
    else { return nil }
    let addresses = servers.map { RxAddress(high: $0.high, low: $0.low, port: ProtectionServers.port) }
    let id = await ProtectionServers.viceID(of: name, at: addresses, caller: transport)
    await transport.shutDown()
    return id
  }

  /// The keyring first: daemons of this session look there. One of the two must take it.
  private func handOver(_ token: Token) throws(Trouble) {
    var keyringFailure: String?
    do throws(SessionKeyring.Failure) {
      _ = try SessionKeyring().store(token, now: SystemClock.wall)
    } catch {
      keyringFailure = error.text
    }
    var taken = 0
    var payload = UserKeyPayload.payload(of: token)
    defer { ConstantTime.wipe(&payload) }
    let request = ControlRequest.setToken(cell: token.cell.text, payload: SecretBytes(payload))
    let failures = DaemonTokens.askAll(request) { _ in taken += 1 }
    for failure in failures { printError("aklog: \(failure)") }
    if let keyringFailure {
      if taken == 0 {
        throw Trouble(
          lines: ["\(keyringFailure) while obtaining tokens for cell \(token.cell)"], code: Exit.token)
      }
      printError("aklog: \(keyringFailure)")
    }
  }
}

extension UInt32 {
  fileprivate var seed: UInt64 { UInt64(self) }
}
