"""Views -> JSON, HTML, Markdown, CSV and change files.

What a report holds is in ``contents`` (of the directory: ``mesh_data``, ``mesh_hosts``),
``host_settings`` and ``migration`` (with ``chart``, ``axis``). Its forms are ``page``
(with ``readable``) and ``sheet``; ``change_files`` are a plan for other programs, and ``templates``
the one module that fills a template. A new column of a mesh's report goes to ``mesh_data`` or
``mesh_hosts``, and to ``sheet`` or the template that shows it.
"""
