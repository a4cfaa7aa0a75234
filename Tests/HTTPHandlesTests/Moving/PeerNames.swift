/// The public names of other libraries, by the types that they belong to, without initializers and operators.
enum PeerNames {
    /// AsyncHTTPClient 1.37.0, from its source.
    static let asyncHTTPClient = """
        AsyncHTTPClient: FileDownloadDelegate HTTPClient HTTPClientCopyingDelegate HTTPClientError HTTPClientRequest
            HTTPClientRequestResponse HTTPClientResponse HTTPClientResponseDelegate ResponseAccumulator
        FileDownloadDelegate: Progress Response didFinishRequest didReceiveBodyPart didReceiveError didReceiveHead
            didVisitURL
        FileDownloadDelegate.Progress: head history receivedBytes totalBytes url
        HTTPClient: Authorization Body Configuration Cookie Decompression EventLoopGroupProvider EventLoopPreference
            NWPOSIXError NWTLSError Request RequestResponse Response Task TracingConfiguration defaultEventLoopGroup
            delete eventLoopGroup execute get patch post put shared shutdown syncShutdown tracer withHTTPClient
        HTTPClient.Authorization: basic bearer headerValue
        HTTPClient.Body: StreamWriter byteBuffer bytes contentLength data length stream string
        HTTPClient.Body.StreamWriter: write
        HTTPClient.Configuration: ConnectionPool DNSResolver HTTPVersion Proxy RedirectConfiguration Timeout
            connectionPool decompression dnsOverride dnsResolver enableMultipath http1_1ConnectionDebugInitializer
            http2ConnectionDebugInitializer http2StreamChannelDebugInitializer httpVersion ignoreUncleanSSLShutdown
            localAddress maximumUsesPerConnection networkFrameworkWaitForConnectivity proxy redirectConfiguration
            singletonConfiguration timeout tlsConfiguration tracing
        HTTPClient.Configuration.ConnectionPool: concurrentHTTP1ConnectionsPerHostSoftLimit idleTimeout
            preWarmedHTTP1ConnectionCount retryConnectionEstablishment
        HTTPClient.Configuration.DNSResolver: randomized system
        HTTPClient.Configuration.HTTPVersion: automatic http1Only
        HTTPClient.Configuration.Proxy: authorization connectHeaders hash host port server socksServer
        HTTPClient.Configuration.RedirectConfiguration: FollowConfiguration disallow follow
        HTTPClient.Configuration.RedirectConfiguration.FollowConfiguration: allowCycles max retainHTTPMethodAndBodyOn301
            retainHTTPMethodAndBodyOn302
        HTTPClient.Configuration.Timeout: connect read write
        HTTPClient.Cookie: domain expires httpOnly maxAge name path secure value
        HTTPClient.Decompression: disabled enabled
        HTTPClient.EventLoopGroupProvider: createNew shared singleton
        HTTPClient.EventLoopPreference: delegate delegateAndChannel description indifferent
        HTTPClient.NWPOSIXError: description errorCode
        HTTPClient.NWTLSError: description status
        HTTPClient.Request: body headers host method port scheme setBasicAuth tlsConfiguration url useTLS
        HTTPClient.RequestResponse: request responseHead
        HTTPClient.Response: body cookies headers history host status url version
        HTTPClient.Task: cancel eventLoop fail futureResult get logger tracer wait
        HTTPClient.TracingConfiguration: tracer
        HTTPClientCopyingDelegate: Response didFinishRequest didReceiveBodyPart
        HTTPClientError: alreadyShutdown bodyLengthMismatch cancelled chunkedSpecifiedMultipleTimes connectTimeout
            contentLengthMissing deadlineExceeded description emptyHost emptyScheme getConnectionFromPoolTimeout
            httpEndReceivedAfterHeadWith1xx httpProxyHandshakeTimeout identityCodingIncorrectlyPresent
            incompatibleHeaders internalStateFailure invalidDNSOverridesConfiguration invalidHTTPVersionConfiguration
            invalidHeaderFieldNames invalidHeaderFieldValues invalidLocalAddress invalidProxyConfiguration
            invalidProxyResponse invalidRedirectConfiguration invalidURL missingSocketPath proxyAuthenticationRequired
            readTimeout redirectCycleDetected redirectLimitReached remoteConnectionClosed requestStreamCancelled
            serverOfferedUnsupportedApplicationProtocol shortDescription shutdownUnsupported socksHandshakeTimeout
            tlsHandshakeTimeout traceRequestWithBody uncleanShutdown unsupportedScheme writeAfterRequestSent
            writeTimeout
        HTTPClientRequest: Body body headers localAddress method setBasicAuth tlsConfiguration url
        HTTPClientRequest.Body: AsyncIterator Element Length RequestWriter bytes makeAsyncIterator stream
        HTTPClientRequest.Body.AsyncIterator: next
        HTTPClientRequest.Body.Length: known unknown
        HTTPClientRequest.Body.RequestWriter: fail requestBodyStreamFinished writeRequestBodyPart
        HTTPClientRequestResponse: request responseHead
        HTTPClientResponse: Body body headers history status url version
        HTTPClientResponse.Body: AsyncIterator Element bytes collect makeAsyncIterator stream trailers
        HTTPClientResponse.Body.AsyncIterator: next
        HTTPClientResponseDelegate: Response didFinishRequest didReceiveBodyPart didReceiveError didReceiveHead
            didSendRequest didSendRequestHead didSendRequestPart didVisitURL
        ResponseAccumulator: Response ResponseTooBigError didFinishRequest didReceiveBodyPart didReceiveError
            didReceiveHead didVisitURL maxBodySize
        ResponseAccumulator.ResponseTooBigError: description maxBodySize
        """

    /// FoundationNetworking of Swift 6.3.1, from its symbol graph. Without the cases of `tls_ciphersuite_t`,
    /// `tls_protocol_version_t` and `URLSessionWebSocketTask.CloseCode`, which are numbers of standards.
    static let foundationNetworking = """
        CachedURLResponse: copy data hash isEqual response storagePolicy userInfo
        FoundationNetworking: CachedURLResponse HTTPCookie HTTPCookiePropertyKey HTTPCookieStorage HTTPURLResponse
            NSMutableURLRequest NSURLAuthenticationMethodDefault NSURLAuthenticationMethodHTMLForm
            NSURLAuthenticationMethodHTTPBasic NSURLAuthenticationMethodHTTPDigest NSURLAuthenticationMethodNTLM
            NSURLAuthenticationMethodNegotiate NSURLCredentialStorageRemoveSynchronizableCredentials
            NSURLProtectionSpaceFTP NSURLProtectionSpaceFTPProxy NSURLProtectionSpaceHTTP NSURLProtectionSpaceHTTPProxy
            NSURLProtectionSpaceHTTPS NSURLProtectionSpaceHTTPSProxy NSURLProtectionSpaceSOCKSProxy NSURLRequest
            NSURLSessionTransferSizeUnknown URLAuthenticationChallenge URLAuthenticationChallengeSender URLCache
            URLCredential URLCredentialStorage URLProtectionSpace URLProtocol URLProtocolClient URLRequest URLResponse
            URLSession URLSessionConfiguration URLSessionDataDelegate URLSessionDataTask URLSessionDelegate
            URLSessionDownloadDelegate URLSessionDownloadTask URLSessionDownloadTaskResumeData URLSessionStreamDelegate
            URLSessionStreamTask URLSessionTask URLSessionTaskDelegate URLSessionTaskMetrics
            URLSessionTaskTransactionMetrics URLSessionUploadTask URLSessionWebSocketDelegate URLSessionWebSocketTask
            tls_ciphersuite_t tls_protocol_version_t
        HTTPCookie: AcceptPolicy comment commentURL cookies description domain expiresDate isHTTPOnly isSecure
            isSessionOnly name path portList properties requestHeaderFields value version
        HTTPCookie.AcceptPolicy: always never onlyFromMainDocumentDomain
        HTTPCookiePropertyKey: comment commentURL discard domain expires maximumAge name originURL path port rawValue
            secure value version
        HTTPCookieStorage: cookieAcceptPolicy cookies deleteCookie description removeCookies setCookie setCookies shared
            sharedCookieStorage sortedCookies
        HTTPURLResponse: allHeaderFields description encode localizedString statusCode value
        NSMutableURLRequest: addValue allHTTPHeaderFields allowsCellularAccess cachePolicy copy httpBody httpBodyStream
            httpMethod httpShouldHandleCookies httpShouldUsePipelining mainDocumentURL networkServiceType setValue
            timeoutInterval url
        NSNotification.Name: NSHTTPCookieManagerCookiesChanged NSURLCredentialStorageChanged
        NSURLRequest: CachePolicy NetworkServiceType allHTTPHeaderFields allowsCellularAccess cachePolicy copy
            description encode hash httpBody httpBodyStream httpMethod httpShouldHandleCookies httpShouldUsePipelining
            isEqual mainDocumentURL mutableCopy networkServiceType supportsSecureCoding timeoutInterval url value
        NSURLRequest.CachePolicy: reloadIgnoringCacheData reloadIgnoringLocalAndRemoteCacheData
            reloadIgnoringLocalCacheData reloadRevalidatingCacheData returnCacheDataDontLoad returnCacheDataElseLoad
            useProtocolCachePolicy
        NSURLRequest.NetworkServiceType: background default networkServiceTypeCallSignaling video voice voip
        URLAuthenticationChallenge: error failureResponse previousFailureCount proposedCredential protectionSpace sender
        URLAuthenticationChallengeSender: cancel continueWithoutCredential performDefaultHandling
            rejectProtectionSpaceAndContinue use
        URLCache: StoragePolicy cachedResponse currentDiskUsage currentMemoryUsage diskCapacity getCachedResponse
            memoryCapacity removeAllCachedResponses removeCachedResponse removeCachedResponses shared
            storeCachedResponse
        URLCache.StoragePolicy: allowed allowedInMemoryOnly notAllowed
        URLCredential: Persistence copy encode hasPassword isEqual password persistence supportsSecureCoding user
        URLCredential.Persistence: forSession none permanent synchronizable
        URLCredentialStorage: allCredentials credentials defaultCredential getCredentials getDefaultCredential remove
            set setDefaultCredential shared
        URLProtectionSpace: authenticationMethod copy description distinguishedNames host isProxy port protocol
            proxyType realm receivesCredentialSecurely
        URLProtocol: cachedResponse canInit canonicalRequest client property registerClass removeProperty request
            requestIsCacheEquivalent setProperty startLoading stopLoading task unregisterClass
        URLProtocolClient: urlProtocol urlProtocolDidFinishLoading
        URLRequest: CachePolicy NetworkServiceType ReferenceType addValue allHTTPHeaderFields allowsCellularAccess
            cachePolicy customMirror debugDescription description hash httpBody httpBodyStream httpMethod
            httpShouldHandleCookies httpShouldUsePipelining mainDocumentURL networkServiceType setValue timeoutInterval
            url value
        URLResponse: copy encode expectedContentLength hash isEqual mimeType suggestedFilename supportsSecureCoding
            textEncodingName url
        URLSession: AuthChallengeDisposition DelayedRequestDisposition ResponseDisposition configuration data dataTask
            delegate delegateQueue download downloadTask finishTasksAndInvalidate flush getAllTasks
            getTasksWithCompletionHandler invalidateAndCancel reset sessionDescription shared upload uploadTask
            webSocketTask
        URLSession.AuthChallengeDisposition: cancelAuthenticationChallenge performDefaultHandling rejectProtectionSpace
            useCredential
        URLSession.DelayedRequestDisposition: cancel continueLoading useNewRequest
        URLSession.ResponseDisposition: allow becomeDownload cancel
        URLSessionConfiguration: allowsCellularAccess connectionProxyDictionary copy default ephemeral
            httpAdditionalHeaders httpCookieAcceptPolicy httpCookieStorage httpMaximumConnectionsPerHost
            httpShouldSetCookies httpShouldUsePipelining identifier isDiscretionary networkServiceType protocolClasses
            requestCachePolicy sharedContainerIdentifier shouldUseExtendedBackgroundIdleMode timeoutIntervalForRequest
            timeoutIntervalForResource urlCache urlCredentialStorage
        URLSessionDataDelegate: urlSession
        URLSessionDelegate: urlSession
        URLSessionDownloadDelegate: urlSession
        URLSessionDownloadTask: cancel
        URLSessionStreamDelegate: urlSession
        URLSessionTask: State cancel copy countOfBytesClientExpectsToReceive countOfBytesClientExpectsToSend
            countOfBytesExpectedToReceive countOfBytesExpectedToSend countOfBytesReceived countOfBytesSent
            currentRequest defaultPriority delegate earliestBeginDate error highPriority lowPriority originalRequest
            priority progress response resume state suspend taskDescription taskIdentifier
        URLSessionTask.State: canceling completed running suspended
        URLSessionTaskDelegate: urlSession
        URLSessionTaskMetrics: DomainResolutionProtocol ResourceFetchType redirectCount taskInterval transactionMetrics
        URLSessionTaskMetrics.DomainResolutionProtocol: https tcp tls udp unknown
        URLSessionTaskMetrics.ResourceFetchType: localCache networkLoad serverPush unknown
        URLSessionTaskTransactionMetrics: connectEndDate connectStartDate countOfRequestBodyBytesBeforeEncoding
            countOfRequestBodyBytesSent countOfRequestHeaderBytesSent countOfResponseBodyBytesAfterDecoding
            countOfResponseBodyBytesReceived countOfResponseHeaderBytesReceived domainLookupEndDate
            domainLookupStartDate domainResolutionProtocol fetchStartDate isCellular isConstrained isExpensive
            isMultipath isProxyConnection isReusedConnection localAddress localPort negotiatedTLSCipherSuite
            negotiatedTLSProtocolVersion networkProtocolName remoteAddress remotePort request requestEndDate
            requestStartDate resourceFetchType response responseEndDate responseStartDate secureConnectionEndDate
            secureConnectionStartDate
        URLSessionWebSocketDelegate: urlSession
        URLSessionWebSocketTask: CloseCode Message cancel closeCode closeReason error maximumMessageSize receive resume
            send sendPing
        URLSessionWebSocketTask.Message: data string
        """

    /// The names of a list, each once.
    static func all(in list: String) -> Set<Substring> {
        Set(
            list.split(separator: "\n").flatMap { line in
                (line.split(separator: ": ", maxSplits: 1).last ?? "").split(separator: " ")
            }
        )
    }
}
