"""Run the window child instead of the user's script in a packaged program that was started to own a window."""

import os

if os.environ.get("JSMEETS_LOCAL_WINDOW_CHILD"):
    from jsmeets_local.launch.window.child import main

    main()  # does not return
